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
  'user add': [
    'turnctl user add alice',
    'turnctl user add alice --realm example.org --generate',
    'turnctl user add alice --password-stdin < password.txt',
  ],
  'user list': ['turnctl user list', 'turnctl user list --realm example.org --quiet'],
  'user show': ['turnctl user show alice', 'turnctl user show alice --json'],
  'user passwd': ['turnctl user passwd alice', 'turnctl user passwd alice --generate'],
  'user remove': ['turnctl user remove alice', 'turnctl user remove alice --realm example.org --yes'],
  'secret add': ['turnctl secret add', 'turnctl secret add --stdin < secret.txt'],
  'secret list': ['turnctl secret list', 'turnctl secret list --reveal'],
  'secret rotate': ['turnctl secret rotate', 'turnctl secret rotate --grace 7d --quiet > secret.txt'],
  'secret remove': ['turnctl secret remove 5e884898da28', 'turnctl secret remove 5e88 --yes'],
  'token add': [
    'turnctl token add app --scope credentials',
    'turnctl token add dashboard --scope read --expires 90d --quiet > token.txt',
    'turnctl token add ci --scope read,credentials --json',
  ],
  'token list': [
    'turnctl token list',
    'turnctl token list --url https://turn.example.org:8443 --token-file admin.token',
  ],
  'token remove': ['turnctl token remove app', 'turnctl token remove app --yes'],
  'credentials make': [
    'turnctl credentials make --user alice --ttl 12h',
    'turnctl credentials make --label shop --host turn.example.org --format env > turn.env',
  ],
  'credentials revoke': ['turnctl credentials revoke 1767229200:alice'],
  'realm list': ['turnctl realm list'],
  'realm show': ['turnctl realm show example.org'],
  'realm set': [
    'turnctl realm set example.org --user-quota 10',
    'turnctl realm set --max-bps 250000 --total-quota none',
  ],
  'realm origin add': ['turnctl realm origin add https://app.example.org --realm example.org'],
  'realm origin list': ['turnctl realm origin list --realm example.org'],
  'realm origin remove': ['turnctl realm origin remove https://app.example.org'],
  'peer allow': ['turnctl peer allow 10.1.2.3', 'turnctl peer allow 10.1.2.0/24 --realm example.org'],
  'peer deny': ['turnctl peer deny 198.51.100.0/24 203.0.113.1-203.0.113.9'],
  'peer list': ['turnctl peer list', 'turnctl peer list --json'],
  'peer remove': ['turnctl peer remove 10.1.2.3', 'turnctl peer remove 10.1.2.0/24 --allow --realm example.org'],
  'session list': ['turnctl session list', 'turnctl session list --user alice --transport tls --json'],
  'session show': ['turnctl session show 1001'],
  'session end': ['turnctl session end 1001', 'turnctl session end --user alice --yes'],
  events: [
    'turnctl events',
    'turnctl events --type allocated,released --user alice',
    'turnctl events --type auth-failed --json | jq .client',
  ],
  status: ['turnctl status', 'turnctl status --quiet || echo down'],
  reload: ['turnctl reload', 'turnctl reload --json'],
  drain: ['turnctl drain --timeout 1h --wait', 'turnctl drain --threshold 5', 'turnctl drain --stay'],
  undrain: ['turnctl undrain'],
  'log-level': ['turnctl log-level', 'turnctl log-level debug'],
  completion: [
    'turnctl completion bash > /etc/bash_completion.d/turnctl',
    'source <(turnctl completion zsh)',
    'turnctl completion fish > ~/.config/fish/completions/turnctl.fish',
  ],
  help: ['turnctl help', 'turnctl help config check'],
});
