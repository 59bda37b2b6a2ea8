// Fakes of the clouds' metadata services on loopback, in the shapes that their documentation shows.

import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { MetadataBaseUrls, MetadataService } from '../../src/net/cloud-metadata.ts';

/** An HTTP server on a free loopback port. */
export interface FakeServer {
  readonly url: string;
  close(): Promise<void>;
}

/** Starts one. */
export async function startFake(listener: RequestListener): Promise<FakeServer> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

/** Answers these paths to requests with this header, and 404 to all others. */
export function documents(header: [string, string] | null, byPath: Record<string, unknown>): RequestListener {
  return (request, response) => {
    const document = byPath[request.url ?? ''];
    const isKnown = document !== undefined && request.method === 'GET';
    if (!isKnown || (header !== null && request.headers[header[0]] !== header[1])) {
      response.writeHead(404).end();
      return;
    }
    response.end(typeof document === 'string' ? document : JSON.stringify(document));
  };
}

/** Google Compute Engine: one interface with a one-to-one NAT. */
export const gcp: RequestListener = documents(['metadata-flavor', 'Google'], {
  '/computeMetadata/v1/instance/network-interfaces/?recursive=true': [
    {
      accessConfigs: [{ externalIp: '35.192.0.1', type: 'ONE_TO_ONE_NAT' }],
      dnsServers: ['169.254.169.254'],
      forwardedIps: [],
      gateway: '10.128.0.1',
      ip: '10.128.0.2',
      ipAliases: [],
      mac: '42:01:0a:80:00:02',
      mtu: 1460,
      network: 'projects/1/networks/default',
      subnetmask: '255.255.240.0',
      targetInstanceIps: [],
    },
  ],
});

/** Amazon EC2 with IMDSv2 required: without a token everything is 401. */
export const aws: RequestListener = (request, response) => {
  if (request.method === 'PUT' && request.url === '/latest/api/token') {
    const isLifetime = /^[1-9][0-9]*$/.test(String(request.headers['x-aws-ec2-metadata-token-ttl-seconds']));
    response.writeHead(isLifetime ? 200 : 400).end(isLifetime ? 'AQAEtoken==' : '');
    return;
  }
  if (request.headers['x-aws-ec2-metadata-token'] !== 'AQAEtoken==') {
    response.writeHead(401).end();
    return;
  }
  documents(null, {
    '/latest/meta-data/local-ipv4': '172.31.16.5',
    '/latest/meta-data/public-ipv4': '54.88.1.2',
  })(request, response);
};

/** Azure with a public address of the Basic kind. */
export const azureBasic: RequestListener = documents(['metadata', 'true'], {
  '/metadata/instance/network?api-version=2021-02-01': azureNetwork('20.42.0.9'),
});

/** Azure with one of the Standard kind: empty in the instance document. */
export const azureStandard: RequestListener = documents(['metadata', 'true'], {
  '/metadata/instance/network?api-version=2021-02-01': azureNetwork(''),
  '/metadata/loadbalancer?api-version=2020-10-01': {
    loadbalancer: {
      publicIpAddresses: [{ frontendIpAddress: '51.0.0.1', privateIpAddress: '10.1.0.4' }],
      inboundRules: [{ frontendIpAddress: '50.0.0.50', protocol: 'tcp', frontendPort: 80, backendPort: 443 }],
      outboundRules: [{ frontendIpAddress: '50.0.0.70', privateIpAddress: '10.0.0.57' }],
    },
  },
});

/** A droplet with an anchor address and IPv6. */
export const digitalOcean: RequestListener = documents(null, {
  '/metadata/v1.json': {
    droplet_id: 2756294,
    hostname: 'sample-droplet',
    interfaces: {
      private: [
        { ipv4: { ip_address: '10.132.255.113', netmask: '255.255.0.0', gateway: '10.132.0.1' }, type: 'private' },
      ],
      public: [
        {
          ipv4: { ip_address: '104.131.20.105', netmask: '255.255.192.0', gateway: '104.131.0.1' },
          ipv6: { ip_address: '2604:a880:800:10::17d:2001', cidr: 64, gateway: '2604:a880:800:10::1' },
          anchor_ipv4: { ip_address: '10.17.0.5', netmask: '255.255.0.0', gateway: '10.17.0.1' },
          mac: '04:01:2a:0f:2a:01',
          type: 'public',
        },
      ],
    },
    floating_ip: { ipv4: { active: false } },
  },
});

/** A Hetzner Cloud server. */
export const hetzner: RequestListener = documents(null, { '/hetzner/v1/metadata/public-ipv4': '95.217.1.2' });

function azureNetwork(publicIpAddress: string): unknown {
  return {
    interface: [
      {
        ipv4: {
          ipAddress: [{ privateIpAddress: '10.1.0.4', publicIpAddress }],
          subnet: [{ address: '10.1.0.0', prefix: '24' }],
        },
        ipv6: { ipAddress: [] },
        macAddress: '0011AAFFBB22',
      },
    ],
  };
}

/** Every service at `url`, as in a cloud, where all share one address. */
export function everyServiceAt(url: string): Record<MetadataService, string> {
  return { gcp: url, aws: url, azure: url, digitalocean: url, hetzner: url } satisfies MetadataBaseUrls;
}
