// Owns `turnctl firewall`: the rules that a configuration needs, for one firewall, or as a table.

import { isIPv6 } from 'node:net';
import { type Command, Option } from 'commander';
import { parseCidr } from '../config/address-values.ts';
import { escapeText } from '../escape-text.ts';
import { loadCommandConfig, reportErrors } from './command-config.ts';
import { type FirewallNeeds, needsOf, type Opening, portText } from './firewall/openings.ts';
import { type PlanOptions, planText } from './firewall/plan.ts';
import { detectFirewall, FIREWALL_TOOLS, type FirewallTool } from './firewall/tools.ts';
import { table } from './output.ts';
import { type CommandIo, ExitStatus } from './terminal-io.ts';

interface FirewallFlags {
  readonly for?: string;
  readonly config?: string;
  readonly chain: string;
  readonly egress?: true;
  readonly adminFrom: readonly string[];
  readonly json?: true;
}

/** The chain of Debian's and Red Hat's examples. */
const USUAL_CHAIN = 'inet filter input';
const CHAIN_FORM = /^inet [A-Za-z][\w.-]* [A-Za-z][\w.-]*$/;

/** Adds the command to the program; `finish` receives the exit status. */
export function addFirewallCommand(program: Command, io: CommandIo, finish: (status: ExitStatus) => void): void {
  program
    .command('firewall')
    .description('print the firewall rules that the configuration needs, and no more')
    .addOption(
      new Option('--for <firewall>', 'whose rules; else the firewall of this host').choices(
        FIREWALL_TOOLS.map(({ name }) => name),
      ),
    )
    .option('--config <file>', 'configuration file; else the one that turnd would find')
    .option('--egress', 'also let out what the relays send, for firewalls that deny it')
    .addOption(
      new Option('--admin-from <cidr>', 'open control.listen and metrics.listen to this network (repeatable)')
        .argParser((text, previous: readonly string[]) => [...previous, ...text.split(',')])
        .default([], 'closed'),
    )
    .option('--chain <chain>', 'nftables: the chain that drops what it does not know', USUAL_CHAIN)
    .option('--json', 'print one JSON document')
    .action((flags: FirewallFlags) => finish(showFirewall(flags, io)));
}

function showFirewall(flags: FirewallFlags, io: CommandIo): ExitStatus {
  if (!CHAIN_FORM.test(flags.chain)) {
    io.err(`error: --chain must name a chain of the family inet, such as "${USUAL_CHAIN}"\n`);
    return ExitStatus.invalid;
  }
  const adminFrom = flags.adminFrom.map((text) => parseCidr(text.trim()));
  const fault = adminFrom.find((one) => 'error' in one);
  if (fault !== undefined && 'error' in fault) {
    io.err(`error: --admin-from: ${escapeText(fault.error)}\n`);
    return ExitStatus.invalid;
  }
  const result = loadCommandConfig(flags.config, io);
  if (!result.ok) return reportErrors(result.errors, io);
  const needs = needsOf(result.config, { adminFrom: adminFrom.flatMap((one) => ('value' in one ? [one.value] : [])) });
  const options = { egress: flags.egress === true, chain: flags.chain };
  const tool = FIREWALL_TOOLS.find(({ name }) => name === flags.for) ?? detectFirewall(io.reader, io.env['PATH']);
  for (const note of needs.notes) io.err(`warning: ${note}\n`);
  if (flags.json) io.out(`${JSON.stringify(asDocument(needs, tool, options), null, 2)}\n`);
  else if (needs.openings.length === 0) io.err('nothing is served outside of this host: no rule is needed\n');
  else if (tool === null) showTable(needs, io);
  else io.out(firewallText(needs, tool, options));
  return ExitStatus.ok;
}

/** The rules for one firewall as text, to paste or to save. */
export function firewallText(needs: FirewallNeeds, tool: FirewallTool, options: PlanOptions = INBOUND_ONLY): string {
  return planText(tool.plan(needs, options), `Rules for turnd: ${tool.description}`);
}

const INBOUND_ONLY: PlanOptions = Object.freeze({ egress: false, chain: USUAL_CHAIN });

function asDocument(needs: FirewallNeeds, tool: FirewallTool | null, options: PlanOptions): object {
  const openings = needs.openings.map(({ protocol, ports, family, address, from, sources }) => {
    return { protocol, ports: portText(ports), family, address, from, sources };
  });
  const { form, lines, removal, notes } = tool?.plan(needs, options) ?? { lines: [], removal: [], notes: [] };
  const firewall = openings.length > 0 ? (tool?.name ?? null) : null;
  const rules = firewall === null ? null : { form, lines, removal };
  return { openings, relayPorts: portText(needs.relayPorts), firewall, rules, notes: [...needs.notes, ...notes] };
}

function showTable(needs: FirewallNeeds, io: CommandIo): void {
  io.out(`${table(['LET IN', 'PORTS', 'TO', 'FROM'], needs.openings.map(row), 'nothing to let in')}\n\n`);
  io.out('No firewall program was found here. For the rules of one, add --for with one of:\n');
  for (const { name, description } of FIREWALL_TOOLS) io.out(`  ${name.padEnd(13)} ${description}\n`);
}

const FROM = {
  clients: 'clients',
  proxies: 'proxies',
  peers: 'peers (relays)',
  administrators: 'administrators',
} as const;

function row({ protocol, ports, family, address, from, sources }: Opening): string[] {
  const every = { any: 'every address', ipv4: 'every IPv4 address', ipv6: 'every IPv6 address' }[family];
  const to = address !== null && isIPv6(address) ? `[${address}]` : (address ?? every);
  return [
    protocol.toUpperCase(),
    portText(ports),
    to,
    sources === null ? FROM[from] : `${FROM[from]}: ${sources.join(', ')}`,
  ];
}
