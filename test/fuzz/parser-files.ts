// The files of src/stun/ that read what came from the network, and nothing else.

export const PARSERS: readonly string[] = ['message-view', 'readers', 'stream-framer', 'attributes', 'classify'];
