// Owns the rules for the firewalls of clouds, as commands of their own tools. Those stand in front of the host and know
// none of its addresses; words in CAPITALS are for the operator to replace.

import { type FirewallNeeds, outerRulesOf, portText, type Rule } from './openings.ts';
import type { FirewallPlan, PlanOptions } from './plan.ts';

const ANYWHERE = { ipv4: '0.0.0.0/0', ipv6: '::/0' } as const;
const FAMILIES = ['ipv4', 'ipv6'] as const;
type Family = (typeof FAMILIES)[number];

const KEEP_SSH =
  'A server that had no such firewall let everything in; now only what is named. Leave SSH in, or lose it.';

/** One rule per family (a rule of Google's has ranges of one), for instances with the tag. */
export function planGcloud({ openings }: FirewallNeeds, { egress }: PlanOptions): FirewallPlan {
  const create = (name: string, rest: string) => ({
    line: `gcloud compute firewall-rules create ${name} --network=NETWORK ${rest} --target-tags=turnd`,
    name,
  });
  const rules = FAMILIES.flatMap((family) => {
    const groups = groupedBySources(rulesOfFamily(openings, family));
    const inbound = groups.map((group, index) => {
      const allow = group.flatMap(({ protocol, ports }) => ports.map((range) => `${protocol}:${portText(range)}`));
      const sources = sourcesIn(group[0]!, family).join(','); // a group is made with its first member
      const rest = `--direction=INGRESS --allow=${allow.join(',')} --source-ranges=${sources}`;
      return create(numbered(`turnd-${family}`, index), rest);
    });
    if (inbound.length === 0) return [];
    const outbound = `--direction=EGRESS --allow=udp --destination-ranges=${ANYWHERE[family]}`;
    return [...inbound, ...(egress ? [create(`turnd-out-${family}`, outbound)] : [])];
  });
  return {
    form: 'shell',
    lines: [...rules.map(({ line }) => line), 'gcloud compute instances add-tags INSTANCE --zone=ZONE --tags=turnd'],
    removal: rules.map(({ name }) => `gcloud compute firewall-rules delete ${name}`),
    notes: ['Replace NETWORK (mostly: default), INSTANCE and ZONE.', ...outNote(egress)],
  };
}

/** Permissions for a security group that the instance has. */
export function planAws({ openings }: FirewallNeeds, { egress }: PlanOptions): FirewallPlan {
  const inbound = JSON.stringify(outerRulesOf(openings).flatMap(awsPermissions));
  const families = [...new Set(outerRulesOf(openings).flatMap(familiesOf))];
  const outbound = JSON.stringify([awsPermission('udp', { min: 0, max: 65_535 }, anywhere(families))]);
  const command = (verb: string, way: string, json: string) =>
    `aws ec2 ${verb}-security-group-${way} --group-id GROUP --ip-permissions '${json}'`;
  const ways = [['ingress', inbound] as const, ...(egress ? [['egress', outbound] as const] : [])];
  return {
    form: 'shell',
    lines: ways.map(([way, json]) => command('authorize', way, json)),
    removal: ways.map(([way, json]) => command('revoke', way, json)),
    notes: [
      'Replace GROUP by the id of a security group that the instance has (sg-…).',
      'A network ACL of the subnet that is not the default one must let the same in, and everything out.',
      ...outNote(egress),
    ],
  };
}

function awsPermissions(rule: Rule): object[] {
  return rule.ports.map((range) => awsPermission(rule.protocol, range, prefixesOf(rule)));
}

function awsPermission(protocol: string, range: Rule['ports'][number], prefixes: readonly string[]): object {
  const ipv4 = prefixes.filter((one) => !one.includes(':')).map((one) => ({ CidrIp: one, Description: 'turnd' }));
  const ipv6 = prefixes.filter((one) => one.includes(':')).map((one) => ({ CidrIpv6: one, Description: 'turnd' }));
  return {
    IpProtocol: protocol,
    FromPort: range.min,
    ToPort: range.max,
    ...(ipv4.length > 0 ? { IpRanges: ipv4 } : {}),
    ...(ipv6.length > 0 ? { Ipv6Ranges: ipv6 } : {}),
  };
}

// Rules of one group need priorities of their own; the first free one is the operator's to know.
const AZURE_PRIORITY = 310;

/** Rules for the network security group of the subnet or of the network interface. */
export function planAzure({ openings }: FirewallNeeds, { egress }: PlanOptions): FirewallPlan {
  const used = new Map<string, number>();
  const nameOf = ({ protocol, family }: Rule): string => {
    const name = `turnd-${protocol}${family === 'any' ? '' : `-${family}`}`;
    const index = used.get(name) ?? 0;
    used.set(name, index + 1);
    return numbered(name, index);
  };
  const inbound = outerRulesOf(openings).map((rule) => ({
    name: nameOf(rule),
    match: `--direction Inbound --protocol ${rule.protocol === 'udp' ? 'Udp' : 'Tcp'} --source-address-prefixes ${azurePrefix(rule)} --destination-port-ranges ${rule.ports.map((range) => portText(range)).join(' ')}`,
  }));
  const out = { name: 'turnd-out', match: "--direction Outbound --protocol Udp --destination-port-ranges '*'" };
  const rules = [...inbound, ...(egress ? [out] : [])];
  const place = (verb: string, name: string) =>
    `az network nsg rule ${verb} --resource-group GROUP --nsg-name NSG --name ${name}`;
  return {
    form: 'shell',
    lines: rules.map(
      ({ name, match }, index) =>
        `${place('create', name)} --priority ${AZURE_PRIORITY + index} --access Allow ${match}`,
    ),
    removal: rules.map(({ name }) => place('delete', name)),
    notes: [
      'Replace GROUP and NSG; where a group stands before the subnet and one before the interface, both need the rules.',
      `The priorities (${AZURE_PRIORITY} and up) must be free, and before those of rules that deny.`,
      ...outNote(egress),
    ],
  };
}

function azurePrefix(rule: Rule): string {
  return rule.family === 'any' ? "'*'" : prefixesOf(rule).join(' ');
}

/** A firewall of our own, applied beside those that the server has. */
export function planHetzner({ openings }: FirewallNeeds, { egress }: PlanOptions): FirewallPlan {
  const inbound = outerRulesOf(openings).flatMap((rule) =>
    rule.ports.map((range) => hetznerRule('in', rule.protocol, portText(range), prefixesOf(rule))),
  );
  const ssh = hetznerRule('in', 'tcp', '22', anywhere(FAMILIES));
  const out = ['tcp', 'udp'].map((protocol) => hetznerRule('out', protocol, '1-65535', anywhere(FAMILIES)));
  return {
    form: 'shell',
    lines: [
      'hcloud firewall create --name turnd',
      ...inbound,
      ssh,
      ...(egress ? out : []),
      'hcloud firewall apply-to-resource turnd --type server --server SERVER',
    ],
    removal: [
      'hcloud firewall remove-from-resource turnd --type server --server SERVER',
      'hcloud firewall delete turnd',
    ],
    notes: [
      'Replace SERVER by the name of the server.',
      KEEP_SSH,
      egress
        ? 'The first rule for what goes out closes everything else: TCP and UDP are let out, so that the host works.'
        : 'Without a rule for what goes out, everything may; if your other firewalls have some: --egress.',
    ],
  };
}

function hetznerRule(direction: 'in' | 'out', protocol: string, port: string, prefixes: readonly string[]): string {
  const side = direction === 'in' ? '--source-ips' : '--destination-ips';
  const ips = prefixes.map((prefix) => `${side} ${prefix}`).join(' ');
  return `hcloud firewall add-rule turnd --direction ${direction} --protocol ${protocol} --port ${port} ${ips}`;
}

/** A firewall of our own. DigitalOcean denies what goes out unless a rule allows it, so those are always there. */
export function planDigitalOcean({ openings }: FirewallNeeds): FirewallPlan {
  const inbound = outerRulesOf(openings).flatMap((rule) =>
    rule.ports.map((range) => dropletRule(rule.protocol, portText(range), prefixesOf(rule))),
  );
  const all = [...inbound, dropletRule('tcp', '22', anywhere(FAMILIES))].join(' ');
  const out = ['udp', 'tcp'].map((protocol) => dropletRule(protocol, 'all', anywhere(FAMILIES))).join(' ');
  return {
    form: 'shell',
    lines: [
      `doctl compute firewall create --name turnd --droplet-ids DROPLET --inbound-rules "${all}" --outbound-rules "${out}"`,
    ],
    removal: ['doctl compute firewall list --format ID,Name', 'doctl compute firewall delete ID'],
    notes: ['Replace DROPLET by the id of the droplet (doctl compute droplet list).', KEEP_SSH],
  };
}

function dropletRule(protocol: string, ports: string, prefixes: readonly string[]): string {
  const addresses = prefixes.map((prefix) => `address:${prefix}`).join(',');
  return `protocol:${protocol},ports:${ports},${addresses}`;
}

function rulesOfFamily(openings: FirewallNeeds['openings'], family: Family): Rule[] {
  return outerRulesOf(openings).filter((rule) => familiesOf(rule).includes(family));
}

function familiesOf({ family }: Pick<Rule, 'family'>): readonly Family[] {
  return family === 'any' ? FAMILIES : [family];
}

/** Where a rule lets in from, as prefixes. */
function prefixesOf(rule: Rule): readonly string[] {
  return familiesOf(rule).flatMap((family) => sourcesIn(rule, family));
}

function sourcesIn({ sources }: Rule, family: Family): readonly string[] {
  return sources ?? [ANYWHERE[family]];
}

function anywhere(families: readonly Family[]): string[] {
  return families.map((family) => ANYWHERE[family]);
}

function groupedBySources(rules: readonly Rule[]): Rule[][] {
  const groups = new Map<string, Rule[]>();
  for (const rule of rules) groups.set(`${rule.sources}`, [...(groups.get(`${rule.sources}`) ?? []), rule]);
  return [...groups.values()];
}

/** The first bears the bare name. */
function numbered(name: string, index: number): string {
  return index === 0 ? name : `${name}-${index + 1}`;
}

function outNote(egress: boolean): string[] {
  return egress ? [] : ['What goes out is allowed unless somebody changed that; if so: --egress.'];
}
