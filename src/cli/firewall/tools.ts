// Owns the list of firewalls that rules can be written for, and which of them a host has.

import { join } from 'node:path';
import type { FileReader } from '../../config/file-reader.ts';
import { planAws, planAzure, planDigitalOcean, planGcloud, planHetzner } from './cloud-firewalls.ts';
import { planFirewalld, planIptables, planUfw } from './host-firewalls.ts';
import { planNftables } from './nftables.ts';
import type { Planner } from './plan.ts';

/** A firewall. */
export interface FirewallTool {
  readonly name: string;
  readonly plan: Planner;
  /** Its program on this host; null for a cloud's, which is told from anywhere. */
  readonly program: string | null;
  readonly description: string;
}

/** Those on the host in the order in which they are looked for: ufw and firewalld manage the other two. */
export const FIREWALL_TOOLS: readonly FirewallTool[] = Object.freeze([
  { name: 'ufw', plan: planUfw, program: 'ufw', description: 'ufw of Ubuntu and Debian' },
  { name: 'firewalld', plan: planFirewalld, program: 'firewall-cmd', description: 'firewalld of Fedora and Red Hat' },
  { name: 'nftables', plan: planNftables, program: 'nft', description: 'nftables, a file for nft -f' },
  { name: 'iptables', plan: planIptables, program: 'iptables', description: 'iptables and ip6tables' },
  { name: 'gcloud', plan: planGcloud, program: null, description: 'Google Cloud' },
  { name: 'aws', plan: planAws, program: null, description: 'a security group of AWS' },
  { name: 'azure', plan: planAzure, program: null, description: 'a network security group of Azure' },
  { name: 'hetzner', plan: planHetzner, program: null, description: 'Hetzner Cloud' },
  { name: 'digitalocean', plan: planDigitalOcean, program: null, description: 'DigitalOcean' },
]);

// An operator who is not root has no sbin in $PATH; the program is there nevertheless.
const SYSTEM_DIRECTORIES = ['/usr/sbin', '/sbin', '/usr/bin'];

/** The first firewall whose program is installed; null if none is. */
export function detectFirewall(reader: FileReader, path: string | undefined): FirewallTool | null {
  const directories = [...(path ?? '').split(':').filter((one) => one.startsWith('/')), ...SYSTEM_DIRECTORIES];
  const isThere = (program: string): boolean => directories.some((one) => exists(reader, join(one, program)));
  return FIREWALL_TOOLS.find(({ program }) => program !== null && isThere(program)) ?? null;
}

function exists(reader: FileReader, path: string): boolean {
  try {
    reader.mode(path);
    return true;
  } catch {
    return false;
  }
}
