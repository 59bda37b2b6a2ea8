// coturn's options of logs, processes and administration: what each becomes.

import { alwaysOff, alwaysOn, droppedSwitch, droppedValue, mapped, type OptionGroup } from './option.ts';

const TURNCTL =
  'there is no telnet CLI: turnctl speaks to the socket of control.socket, which file permissions protect';
const WEB = 'there is no web interface yet: turnctl does what it did';
const METRICS_TLS = 'metrics are served over http only: set prometheus-address to 127.0.0.1 and a TLS proxy before it';
const USER_LABELS =
  'metrics have no labels of users: each name would be a series of its own for ever. turnctl session list shows who is there';
const SYSTEMD = 'not needed: the service manager does that (systemd: User=, Group=, Type=)';
const JSON_LOG = 'the lines of the log are JSON, or text on a terminal; their time is ISO 8601';

export const OPERATION_OPTIONS: readonly OptionGroup[] = [
  {
    title: 'Logging',
    options: [
      mapped('verbose', 'log.level', '`debug`'),
      mapped('Verbose', 'log.level', '`trace`'),
      mapped('log-min-level', 'log.level', 'no level below it'),
      mapped('log-file', 'log.file', 'exactly this name, no pid and date; `stdout` and `-`: standard output'),
      mapped('no-stdout-log', 'log.file', 'with a log-file nothing goes to standard output anyway'),
      mapped(
        'syslog',
        'log.file',
        'standard output, which systemd takes to its journal; log-file does not count beside it',
      ),
      alwaysOn(
        'simple-log',
        'the name of the log file is always as written',
        'turnd never adds a date to a log file: use logrotate',
      ),
      alwaysOn('new-log-timestamp', 'times are ISO 8601', JSON_LOG),
      droppedValue('new-log-timestamp-format', JSON_LOG),
      droppedValue('syslog-facility', 'turnd does not speak to syslog: the service manager takes its standard output'),
      droppedSwitch('log-binding', 'Binding requests are counted, not logged'),
    ],
  },
  {
    title: 'Prometheus',
    options: [
      mapped(
        'prometheus',
        'metrics.listen metrics.coturn-names',
        'at all addresses, as coturn does; turnd warns of it. docs/metrics.md has the names',
      ),
      mapped('prometheus-port', 'metrics.listen', '9641 without it'),
      mapped('prometheus-address', 'metrics.listen', 'all addresses without it'),
      mapped('prometheus-path', 'metrics.path'),
      droppedSwitch('prometheus-username-labels', USER_LABELS),
      droppedSwitch('prometheus-tls', METRICS_TLS),
      droppedValue('prometheus-cert', METRICS_TLS),
      droppedValue('prometheus-key', METRICS_TLS),
    ],
  },
  {
    title: 'Process, telnet CLI, web admin',
    options: [
      droppedSwitch('daemon', SYSTEMD),
      droppedValue('pidfile', SYSTEMD),
      droppedValue('proc-user', SYSTEMD),
      droppedValue('proc-group', SYSTEMD),
      alwaysOn('no-cli', 'there is no telnet CLI', TURNCTL),
      alwaysOff('cli', 'there is no telnet CLI', TURNCTL),
      droppedValue('cli-ip', TURNCTL),
      droppedValue('cli-port', TURNCTL),
      droppedValue('cli-password', TURNCTL),
      droppedValue('cli-max-output-sessions', TURNCTL),
      droppedSwitch('web-admin', WEB),
      droppedValue('web-admin-ip', WEB),
      droppedValue('web-admin-port', WEB),
      droppedSwitch('web-admin-listen-on-workers', WEB),
      droppedValue('ne', 'not needed: turnd chooses its network engine (plane) itself'),
      droppedSwitch('version', 'not a setting: turnd --version prints it'),
    ],
  },
];
