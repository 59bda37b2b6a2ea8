// Asks the metadata services of clouds which public address stands in front of this host. Knows their paths and
// answers; which address counts is the caller's business.

import { request } from 'node:http';
import { type IpAddress, parseIp } from '../stun/ip-address.ts';

/** A public address, and the private one that it stands for where the service tells. */
export interface PublicMapping {
  readonly private: IpAddress | null;
  readonly public: IpAddress;
}

/** What one service said. */
export interface MetadataAnswer {
  readonly service: MetadataService;
  readonly mappings: readonly PublicMapping[];
}

/** The services in the order in which their answers count. */
export const METADATA_SERVICES = ['gcp', 'aws', 'azure', 'digitalocean', 'hetzner'] as const;
export type MetadataService = (typeof METADATA_SERVICES)[number];

/** Where each service is; its documented paths are appended. */
export type MetadataBaseUrls = Readonly<Record<MetadataService, string>>;

/** The link-local address that all of them share. */
export const METADATA_BASE_URLS: MetadataBaseUrls = {
  gcp: 'http://169.254.169.254',
  aws: 'http://169.254.169.254',
  azure: 'http://169.254.169.254',
  digitalocean: 'http://169.254.169.254',
  hetzner: 'http://169.254.169.254',
};

/** Enough for any of the documents; a larger one is no metadata. */
const MAX_ANSWER_BYTES = 65_536;

/** Fetches one document; rejects on any status but 200. */
type Get = (path: string, headers: Record<string, string>, method?: 'GET' | 'PUT') => Promise<string>;

const ASK: Readonly<Record<MetadataService, (get: Get) => Promise<PublicMapping[]>>> = {
  gcp: askGcp,
  aws: askAws,
  azure: askAzure,
  digitalocean: askDigitalOcean,
  hetzner: async (get) => mapping(null, await get('/hetzner/v1/metadata/public-ipv4', {})),
};

/**
 * Asks all services in parallel. A service that fails, hangs or talks nonsense is left out; never rejects.
 * @param timeoutMs for all of them together
 * @returns what was answered, in the order of {@link METADATA_SERVICES}
 */
export async function askMetadataServices(baseUrls: MetadataBaseUrls, timeoutMs: number): Promise<MetadataAnswer[]> {
  const signal = AbortSignal.timeout(timeoutMs);
  const answers = METADATA_SERVICES.map(async (service) => {
    const get: Get = (path, headers, method = 'GET') => fetchText(baseUrls[service] + path, headers, method, signal);
    const mappings = await ASK[service](get).catch(() => []);
    return { service, mappings };
  });
  return (await Promise.all(answers)).filter((answer) => answer.mappings.length > 0);
}

async function askGcp(get: Get): Promise<PublicMapping[]> {
  const path = '/computeMetadata/v1/instance/network-interfaces/?recursive=true';
  const interfaces = list(JSON.parse(await get(path, { 'Metadata-Flavor': 'Google' })));
  return interfaces.flatMap((one) => {
    const access = list(field(one, 'accessConfigs'));
    return access.flatMap((config) => mapping(field(one, 'ip'), field(config, 'externalIp')));
  });
}

/** IMDSv2: a token first. IPv6 addresses of AWS, like those of most clouds, are on the interface itself. */
async function askAws(get: Get): Promise<PublicMapping[]> {
  const token = await get('/latest/api/token', { 'X-aws-ec2-metadata-token-ttl-seconds': '60' }, 'PUT');
  const headers = { 'X-aws-ec2-metadata-token': token.trim() };
  const [local, external] = await Promise.all([
    get('/latest/meta-data/local-ipv4', headers),
    get('/latest/meta-data/public-ipv4', headers),
  ]);
  return mapping(local, external);
}

/** Basic addresses are in the instance document, Standard ones only in the load balancer's. */
async function askAzure(get: Get): Promise<PublicMapping[]> {
  const headers = { Metadata: 'true' };
  const [network, balancer] = await Promise.allSettled([
    get('/metadata/instance/network?api-version=2021-02-01', headers).then(azureNetwork),
    get('/metadata/loadbalancer?api-version=2020-10-01', headers).then(azureBalancer),
  ]);
  return [network, balancer].flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
}

function azureNetwork(text: string): PublicMapping[] {
  const interfaces = list(field(JSON.parse(text), 'interface'));
  const addresses = interfaces.flatMap((one) =>
    ['ipv4', 'ipv6'].flatMap((family) => list(field(field(one, family), 'ipAddress'))),
  );
  return addresses.flatMap((one) => mapping(field(one, 'privateIpAddress'), field(one, 'publicIpAddress')));
}

function azureBalancer(text: string): PublicMapping[] {
  const addresses = list(field(field(JSON.parse(text), 'loadbalancer'), 'publicIpAddresses'));
  return addresses.flatMap((one) => mapping(field(one, 'privateIpAddress'), field(one, 'frontendIpAddress')));
}

async function askDigitalOcean(get: Get): Promise<PublicMapping[]> {
  const interfaces = list(field(field(JSON.parse(await get('/metadata/v1.json', {})), 'interfaces'), 'public'));
  return interfaces.flatMap((one) => [
    ...mapping(field(field(one, 'anchor_ipv4'), 'ip_address'), field(field(one, 'ipv4'), 'ip_address')),
    ...mapping(null, field(field(one, 'ipv6'), 'ip_address')),
  ]);
}

function mapping(privateText: unknown, publicText: unknown): PublicMapping[] {
  const external = address(publicText);
  return external === null ? [] : [{ private: address(privateText), public: external }];
}

function address(text: unknown): IpAddress | null {
  return typeof text === 'string' ? parseIp(text.trim()) : null;
}

function field(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  return Object.entries(value).find(([key]) => key === name)?.[1];
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function fetchText(
  url: string,
  headers: Record<string, string>,
  method: 'GET' | 'PUT',
  signal: AbortSignal,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { method, headers, signal, agent: false }, (incoming) => {
      let text = '';
      incoming.setEncoding('utf8');
      incoming.on('data', (chunk: string) => {
        text += chunk;
        if (text.length > MAX_ANSWER_BYTES) incoming.destroy(new Error(`${url}: the answer is too long`));
      });
      incoming.on('error', reject);
      incoming.on('end', () => {
        if (incoming.statusCode === 200) resolve(text);
        else reject(new Error(`${url}: status ${incoming.statusCode}`));
      });
    });
    outgoing.on('error', reject);
    outgoing.end();
  });
}
