// An app of Xirsys: the request of its documentation for Node, over node:http(s).

import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import type { AppIceServer } from '../../../support/ice-relay.ts';
import { answer } from './answer.ts';

const { TURN_API = '', XIRSYS_IDENT, XIRSYS_SECRET } = process.env;

interface Result {
  readonly s: 'ok' | 'error';
  readonly v: { readonly iceServers: AppIceServer };
}

const { protocol, hostname, port } = new URL(TURN_API);
const bodyString = JSON.stringify({ format: 'urls' });
const options = {
  ...{ host: hostname, port, path: '/_turn/MyFirstApp', method: 'PUT' },
  headers: {
    Authorization: `Basic ${Buffer.from(`${XIRSYS_IDENT}:${XIRSYS_SECRET}`).toString('base64')}`,
    'Content-Type': 'application/json',
    'Content-Length': bodyString.length,
  },
};
const send = protocol === 'https:' ? requestHttps : requestHttp;
const httpreq = send(options, (httpres) => {
  let str = '';
  httpres.on('data', (data) => {
    str += data;
  });
  httpres.on('end', () => {
    const result = JSON.parse(str) as Result;
    answer(
      result.s === 'ok' ? { iceServers: [result.v.iceServers] } : { status: httpres.statusCode ?? 0, error: result },
    );
  });
});
httpreq.end(bodyString);
