// Tells what an error of PostgreSQL means, by its code (PostgreSQL documentation, appendix A), in the words that
// help.

import { codeOf, describeConnectionFault, messageOf } from '../connection-faults.ts';
import type { SqlFaultParts } from '../sql/sql-connection.ts';
import type { ServerUrl } from '../store-url.ts';
import { NO_POSTGRES } from './postgres-link.ts';

/** What is wrong, and what to do. */
export function describePostgresFault(error: unknown, url: ServerUrl): SqlFaultParts {
  const byCode = describeCode(codeOf(error), messageOf(error), url);
  return byCode ?? describeConnectionFault(error) ?? describeMessage(messageOf(error));
}

function describeCode(code: string, message: string, { user, database }: ServerUrl): SqlFaultParts | null {
  switch (code) {
    case '28P01':
      return { fault: 'denied', plain: `wrong password for ${user}`, advice: 'correct user and password in the URL' };
    case '28000':
      return { fault: 'denied', plain: message, advice: 'correct the user, or pg_hba.conf; with TLS: ?tls=true' };
    case '3D000':
      return { fault: 'denied', plain: `there is no database ${database}`, advice: `createdb ${database}` };
    case '42501':
      return { fault: 'denied', plain: message, advice: adviceForPermission(message, user, database) };
    case '42P01':
      return { fault: 'schema', plain: message, detail: 'missing-table' };
    case '42703':
    case '42804':
    case '42883':
      return { fault: 'schema', plain: message, advice: "compare the tables with coturn's schema.sql" };
    case '22001':
      return { fault: 'schema', plain: message, advice: "widen the column as in coturn's schema.sql" };
    case '23505':
      return { fault: 'failed', plain: 'it is there already', detail: 'duplicate' };
    case '22021':
    case '22P05':
      return { fault: 'failed', plain: "the database's character set has no such letter", detail: 'text' };
    case '25006':
      return { fault: 'denied', plain: 'the database is read-only', advice: 'connect to the primary server' };
    case '57014':
    case '55P03':
      return { fault: 'timeout', plain: 'it did not answer in time', advice: 'look at its load, and at locks' };
    case '53300':
      return { fault: 'unreachable', plain: 'it has too many connections', advice: 'raise max_connections' };
    case '57P01':
    case '57P02':
    case '57P03':
      return { fault: 'unreachable', plain: message };
    default:
      return null;
  }
}

function adviceForPermission(message: string, user: string, database: string): string {
  const table = /for (?:table|relation) (\S+)/.exec(message)?.[1];
  if (table !== undefined) return `as its owner: GRANT SELECT, INSERT, UPDATE, DELETE ON ${table} TO ${user}`;
  if (message.includes('for schema')) return `as the database's owner: GRANT CREATE ON SCHEMA public TO ${user}`;
  return `as the database's owner: GRANT CONNECT ON DATABASE ${database} TO ${user}`;
}

function describeMessage(message: string): SqlFaultParts {
  if (/terminated|Connection ended|not queryable|closed/i.test(message)) {
    return { fault: 'unreachable', plain: 'the connection was cut', advice: 'look at the log of the database' };
  }
  if (message.includes('does not support SSL')) {
    return { fault: 'denied', plain: 'TLS: it does not offer any', advice: 'set ssl = on there, or use ?tls=off' };
  }
  if (/SASL|SCRAM|password must be/i.test(message)) {
    return { fault: 'denied', plain: message, advice: 'correct user and password in the URL' };
  }
  const advice = message === NO_POSTGRES ? 'correct host and port' : '';
  return { fault: 'failed', plain: message, advice };
}
