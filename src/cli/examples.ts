// Owns the examples that stand below the help of commands, by the names of the command. A command may bring its own
// instead; a test holds every command to having some, and every example to being understood.

/** Lines for a shell; each has a `turnctl` in it. */
export const EXAMPLES: Readonly<Record<string, readonly string[]>> = Object.freeze({
  'config check': ['turnctl config check', 'turnctl config check /etc/turnd/turnd.yaml'],
  'config print': [
    'turnctl config print',
    'turnctl config print --origin',
    'TURND_REALM=example.org turnctl config print turnd.yaml | less',
  ],
  'config schema': ['turnctl config schema > turnd.schema.json'],
  'config import-coturn': [
    'turnctl config import-coturn /etc/turnserver.conf',
    'turnctl config import-coturn /etc/turnserver.conf --output /etc/turnd/turnd.yaml',
    'turnctl config import-coturn --db /etc/turnserver.conf --dry-run',
  ],
  firewall: [
    'turnctl firewall',
    'turnctl firewall --for nftables > turnd.nft && nft -f turnd.nft',
    'turnctl firewall --for aws --egress --config /etc/turnd/turnd.yaml',
    'turnctl firewall --json',
  ],
  init: [
    'turnctl init',
    'turnctl init --yes --dir /etc/turnd --domain turn.example.com --firewall ufw',
    'turnctl init --yes --user alice --external-address 203.0.113.5 --port 443 --json',
  ],
  completion: [
    'turnctl completion bash > /etc/bash_completion.d/turnctl',
    'source <(turnctl completion zsh)',
    'turnctl completion fish > ~/.config/fish/completions/turnctl.fish',
  ],
  help: ['turnctl help', 'turnctl help config check'],
});
