// Owns the rules for nftables. An `accept` in a table of our own would not keep another table from dropping the packet
// (each base chain of a hook decides), so the rules stand in a chain of our own that the chain which drops jumps to.

import { type FirewallNeeds, portText, type Rule, rulesOf } from './openings.ts';
import type { FirewallPlan, PlanOptions } from './plan.ts';

const OWN = 'turnd';
const OWN_OUT = 'turnd-out';

/** For `nft -f`. To load it twice changes nothing but a second, idle jump. */
export function planNftables(needs: FirewallNeeds, { egress, chain }: PlanOptions): FirewallPlan {
  const [family, table, input] = chain.split(' ');
  const place = `${family} ${table}`;
  const inbound = chainLines(place, OWN, `${input}`, rulesOf(needs.openings).map(match));
  const outbound = chainLines(place, OWN_OUT, 'output', [`udp sport ${portText(needs.relayPorts)}`]);
  return {
    form: 'nft',
    lines: [...inbound, ...(egress ? outbound : [])],
    removal: [...removal(place, OWN, `${input}`), ...(egress ? removal(place, OWN_OUT, 'output') : [])],
    notes: [
      'Save as /etc/nftables.d/turnd.nft and load it: nft -f /etc/nftables.d/turnd.nft',
      'To keep it over a reboot, end /etc/nftables.conf with: include "/etc/nftables.d/turnd.nft"',
      `The rules go into the chain "${chain}" (another one drops at your host? --chain "inet TABLE CHAIN").`,
      'nft says "No such file or directory" where there is no such chain: then nothing is dropped there either.',
    ],
  };
}

function chainLines(place: string, own: string, hook: string, matches: readonly string[]): string[] {
  return [
    `add chain ${place} ${own}`,
    `flush chain ${place} ${own}`,
    ...matches.map((text) => `add rule ${place} ${own} ${text} accept`),
    `insert rule ${place} ${hook} jump ${own}`,
  ];
}

function match({ protocol, family, address, sources, ports }: Rule): string {
  const texts = ports.map((range) => portText(range));
  const set = texts.length === 1 ? texts[0] : `{ ${texts.join(', ')} }`;
  const to = sources !== null && address === null ? '' : destination(family, address); // a source says its family
  return `${source(family, sources)}${to}${protocol} dport ${set}`;
}

function source(family: Rule['family'], sources: Rule['sources']): string {
  if (sources === null) return '';
  return `${family === 'ipv6' ? 'ip6' : 'ip'} saddr { ${sources.join(', ')} } `;
}

function destination(family: Rule['family'], address: string | null): string {
  if (family === 'any') return '';
  if (address === null) return `meta nfproto ${family} `;
  return family === 'ipv4' ? `ip daddr ${address} ` : `ip6 daddr ${address} `;
}

function removal(place: string, own: string, hook: string): string[] {
  const handles = `nft -a list chain ${place} ${hook} | sed -n 's/.*jump ${own} # handle //p'`;
  return [`${handles} | xargs -r -n1 nft delete rule ${place} ${hook} handle`, `nft delete chain ${place} ${own}`];
}
