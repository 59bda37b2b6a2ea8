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
    const allow = rulesOfFamily(openings, family).flatMap(({ protocol, ports }) =>
      ports.map((range) => `${protocol}:${portText(range)}`),
    );
    if (allow.length === 0) return [];
    const inbound = `--direction=INGRESS --allow=${allow.join(',')} --source-ranges=${ANYWHERE[family]}`;
    const outbound = `--direction=EGRESS --allow=udp --destination-ranges=${ANYWHERE[family]}`;
    const out = egress ? [create(`turnd-out-${family}`, outbound)] : [];
    return [create(`turnd-${family}`, inbound), ...out];
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
  const outbound = JSON.stringify([awsPermission('udp', { min: 0, max: 65_535 }, families)]);
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

function awsPermissions({ protocol, ports, ...rule }: Rule): object[] {
  return ports.map((range) => awsPermission(protocol, range, familiesOf(rule)));
}

function awsPermission(protocol: string, range: Rule['ports'][number], families: readonly Family[]): object {
  const ipv4 = [{ CidrIp: ANYWHERE.ipv4, Description: 'turnd' }];
  const ipv6 = [{ CidrIpv6: ANYWHERE.ipv6, Description: 'turnd' }];
  return {
    IpProtocol: protocol,
    FromPort: range.min,
    ToPort: range.max,
    ...(families.includes('ipv4') ? { IpRanges: ipv4 } : {}),
    ...(families.includes('ipv6') ? { Ipv6Ranges: ipv6 } : {}),
  };
}

// Rules of one group need priorities of their own; the first free one is the operator's to know.
const AZURE_PRIORITY = 310;

/** Rules for the network security group of the subnet or of the network interface. */
export function planAzure({ openings }: FirewallNeeds, { egress }: PlanOptions): FirewallPlan {
  const inbound = outerRulesOf(openings).map((rule) => ({
    name: `turnd-${rule.protocol}${rule.family === 'any' ? '' : `-${rule.family}`}`,
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

function azurePrefix({ family }: Rule): string {
  return family === 'any' ? "'*'" : ANYWHERE[family];
}

/** A firewall of our own, applied beside those that the server has. */
export function planHetzner({ openings }: FirewallNeeds, { egress }: PlanOptions): FirewallPlan {
  const inbound = outerRulesOf(openings).flatMap((rule) =>
    rule.ports.map((range) => hetznerRule('in', rule.protocol, portText(range), familiesOf(rule))),
  );
  const ssh = hetznerRule('in', 'tcp', '22', FAMILIES);
  const out = ['tcp', 'udp'].map((protocol) => hetznerRule('out', protocol, '1-65535', FAMILIES));
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

function hetznerRule(direction: 'in' | 'out', protocol: string, port: string, families: readonly Family[]): string {
  const side = direction === 'in' ? '--source-ips' : '--destination-ips';
  const ips = families.map((family) => `${side} ${ANYWHERE[family]}`).join(' ');
  return `hcloud firewall add-rule turnd --direction ${direction} --protocol ${protocol} --port ${port} ${ips}`;
}

/** A firewall of our own. DigitalOcean denies what goes out unless a rule allows it, so those are always there. */
export function planDigitalOcean({ openings }: FirewallNeeds): FirewallPlan {
  const inbound = outerRulesOf(openings).flatMap((rule) =>
    rule.ports.map((range) => dropletRule(rule.protocol, portText(range), familiesOf(rule))),
  );
  const all = [...inbound, dropletRule('tcp', '22', FAMILIES)].join(' ');
  const out = ['udp', 'tcp'].map((protocol) => dropletRule(protocol, 'all', FAMILIES)).join(' ');
  return {
    form: 'shell',
    lines: [
      `doctl compute firewall create --name turnd --droplet-ids DROPLET --inbound-rules "${all}" --outbound-rules "${out}"`,
    ],
    removal: ['doctl compute firewall list --format ID,Name', 'doctl compute firewall delete ID'],
    notes: ['Replace DROPLET by the id of the droplet (doctl compute droplet list).', KEEP_SSH],
  };
}

function dropletRule(protocol: string, ports: string, families: readonly Family[]): string {
  const addresses = families.map((family) => `address:${ANYWHERE[family]}`).join(',');
  return `protocol:${protocol},ports:${ports},${addresses}`;
}

function rulesOfFamily(openings: FirewallNeeds['openings'], family: Family): Rule[] {
  return outerRulesOf(openings).filter((rule) => familiesOf(rule).includes(family));
}

function familiesOf({ family }: Pick<Rule, 'family'>): readonly Family[] {
  return family === 'any' ? FAMILIES : [family];
}

function outNote(egress: boolean): string[] {
  return egress ? [] : ['What goes out is allowed unless somebody changed that; if so: --egress.'];
}
