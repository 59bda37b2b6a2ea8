// The requests that keep an allocation alive, as exchanges. Knows no sockets.

import { FIRST_CHANNEL } from '../../src/stun/channel-data.ts';
import { Method } from '../../src/stun/methods.ts';
import type { Exchange } from './requests.ts';

/** Installs or refreshes the permission for the client's peer. */
export const permit: Exchange = {
  what: 'CreatePermission',
  method: Method.CREATE_PERMISSION,
  fields: ({ peer }) => ({ peer }),
};

/** Binds the client's channel to its peer, or refreshes the binding. */
export const bind: Exchange = {
  what: 'ChannelBind',
  method: Method.CHANNEL_BIND,
  fields: ({ peer }) => ({ peer, channel: FIRST_CHANNEL }),
};

/** Refreshes the allocation for so many seconds; 0 ends it. */
export function refresh(lifetime: number): Exchange {
  return { what: 'Refresh', method: Method.REFRESH, fields: () => ({ lifetime }) };
}
