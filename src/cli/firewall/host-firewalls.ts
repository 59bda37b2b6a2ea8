// Owns the rules for ufw, firewalld and iptables, as commands for root's shell. All only add: what was let in stays so.

import { type FirewallNeeds, portText, type Rule, rulesOf } from './openings.ts';
import type { FirewallPlan, PlanOptions } from './plan.ts';

/** `ufw allow …`, one command for each range of ports. */
export function planUfw(needs: FirewallNeeds, { egress }: PlanOptions): FirewallPlan {
  const rules = rulesOf(needs.openings).flatMap((rule) =>
    rule.ports.flatMap((range) =>
      perSource(rule, (source) => {
        const from = source === null ? '' : `from ${source} `;
        return `proto ${rule.protocol} ${from}to ${ufwAddress(rule)} port ${portText(range, ':')}`;
      }),
    ),
  );
  const outbound = egress ? [`out proto udp from any port ${portText(needs.relayPorts, ':')} to any`] : [];
  const all = [...rules, ...outbound];
  return {
    form: 'shell',
    lines: all.map((rule) => `ufw allow ${rule} comment turnd`),
    removal: all.map((rule) => `ufw delete allow ${rule}`),
    notes: ['Run as root. IPv6 is opened too unless /etc/default/ufw says IPV6=no.'],
  };
}

function ufwAddress({ family, address }: Rule): string {
  if (address !== null) return address;
  return { any: 'any', ipv4: '0.0.0.0/0', ipv6: '::/0' }[family];
}

/** A service of our own for what is open on every address; rich rules for the rest. */
export function planFirewalld(needs: FirewallNeeds, { egress }: PlanOptions): FirewallPlan {
  const rules = rulesOf(needs.openings);
  const open = rules.filter(({ family }) => family === 'any').flatMap(firewalldPorts);
  const rich = rules.filter(({ family }) => family !== 'any').flatMap(richRules);
  const permanent = (args: readonly string[]) => args.map((arg) => `firewall-cmd --permanent ${arg}`);
  const service = ['--new-service=turnd', ...open.map((port) => `--service=turnd --add-port=${port}`)];
  const outside = egress ? ['firewalld lets everything out, unless a policy of yours does not.'] : [];
  return {
    form: 'shell',
    lines: [
      ...permanent(open.length > 0 ? [...service, '--add-service=turnd'] : []),
      ...permanent(rich.map((rule) => `--add-rich-rule='${rule}'`)),
      'firewall-cmd --reload',
    ],
    removal: [
      ...permanent(open.length > 0 ? ['--remove-service=turnd', '--delete-service=turnd'] : []),
      ...permanent(rich.map((rule) => `--remove-rich-rule='${rule}'`)),
      'firewall-cmd --reload',
    ],
    notes: ['Run as root. The default zone is opened; for another one add --zone=ZONE to its lines.', ...outside],
  };
}

function firewalldPorts({ protocol, ports }: Rule): string[] {
  return ports.map((range) => `${portText(range)}/${protocol}`);
}

function richRules(rule: Rule): string[] {
  const { protocol, family, address, ports } = rule;
  const to = address === null ? '' : ` destination address="${address}"`;
  return ports.flatMap((range) =>
    perSource(rule, (source) => {
      const from = source === null ? '' : ` source address="${source}"`;
      return `rule family="${family}"${from}${to} port port="${portText(range)}" protocol="${protocol}" accept`;
    }),
  );
}

/** These firewalls take one source in a rule. */
function perSource({ sources }: Rule, write: (source: string | null) => string): string[] {
  return (sources ?? [null]).map(write);
}

/** A chain of our own in each of the two families. To run it twice changes nothing. */
export function planIptables(needs: FirewallNeeds, { egress }: PlanOptions): FirewallPlan {
  const rules = rulesOf(needs.openings);
  const programs = (['ipv4', 'ipv6'] as const).map((family) => ({
    program: family === 'ipv4' ? 'iptables' : 'ip6tables',
    rules: rules.filter((rule) => rule.family === 'any' || rule.family === family),
  }));
  const sent = `-p udp --sport ${portText(needs.relayPorts, ':')}`;
  const chains = programs
    .filter((one) => one.rules.length > 0)
    .flatMap((one) => [
      { program: one.program, own: 'TURND', hook: 'INPUT', matches: one.rules.flatMap(iptablesMatches) },
      ...(egress ? [{ program: one.program, own: 'TURND-OUT', hook: 'OUTPUT', matches: [sent] }] : []),
    ]);
  return {
    form: 'shell',
    lines: chains.flatMap(iptablesChain),
    removal: chains.flatMap(({ program, own, hook }) => [
      `${program} -D ${hook} -j ${own}; ${program} -F ${own}; ${program} -X ${own}`,
    ]),
    notes: ['Run as root. To keep it over a reboot: netfilter-persistent save (package iptables-persistent).'],
  };
}

interface IptablesChain {
  readonly program: string;
  readonly own: string;
  readonly hook: string;
  readonly matches: readonly string[];
}

function iptablesChain({ program, own, hook, matches }: IptablesChain): string[] {
  return [
    `${program} -N ${own} 2>/dev/null || ${program} -F ${own}`,
    ...matches.map((text) => `${program} -A ${own} ${text} -j ACCEPT`),
    `${program} -C ${hook} -j ${own} 2>/dev/null || ${program} -I ${hook} -j ${own}`,
  ];
}

function iptablesMatches({ protocol, address, sources, ports }: Rule): string[] {
  const from = sources === null ? '' : ` -s ${sources.join(',')}`;
  const to = address === null ? '' : ` -d ${address}`;
  return ports.map((range) => `-p ${protocol}${from}${to} --dport ${portText(range, ':')}`);
}
