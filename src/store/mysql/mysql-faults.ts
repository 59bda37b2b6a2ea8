// Tells what an error of MySQL or MariaDB means, by its name, in the words that help.

import { codeOf, describeConnectionFault, describeTlsMessage, messageOf } from '../connection-faults.ts';
import type { SqlFaultParts } from '../sql/sql-connection.ts';
import type { ServerUrl } from '../store-url.ts';

const TOO_SLOW: SqlFaultParts = Object.freeze({
  fault: 'timeout',
  plain: 'it did not answer in time',
  advice: 'look at its load, and at locks',
});

/** What is wrong, and what to do. */
export function describeMysqlFault(error: unknown, url: ServerUrl): SqlFaultParts {
  const [code, message] = [codeOf(error), messageOf(error)];
  // MariaDB's number for it has no name in mysql2.
  if (message.includes('max_statement_time')) return TOO_SLOW;
  return describeCode(code, message, url) ?? describeConnectionFault(error) ?? { fault: 'failed', plain: message };
}

function describeCode(code: string, message: string, { user, database }: ServerUrl): SqlFaultParts | null {
  switch (code) {
    case 'ER_ACCESS_DENIED_ERROR':
      return {
        fault: 'denied',
        plain: `wrong password for ${user}, or no such user`,
        advice: 'correct user and password in the URL (users of MySQL are bound to the host that they come from)',
      };
    case 'ER_BAD_DB_ERROR':
      return { fault: 'denied', plain: `there is no database ${database}`, advice: `CREATE DATABASE ${database}` };
    case 'ER_DBACCESS_DENIED_ERROR':
    case 'ER_TABLEACCESS_DENIED_ERROR':
    case 'ER_COLUMNACCESS_DENIED_ERROR':
      return { fault: 'denied', plain: message, advice: `as root: GRANT ALL ON ${database}.* TO ${user}` };
    case 'ER_NO_SUCH_TABLE':
      return { fault: 'schema', plain: message, detail: 'missing-table' };
    case 'ER_BAD_FIELD_ERROR':
      return { fault: 'schema', plain: message, advice: "compare the tables with coturn's schema.sql" };
    case 'ER_DATA_TOO_LONG':
      return { fault: 'schema', plain: message, advice: "widen the column as in coturn's schema.sql" };
    case 'ER_DUP_ENTRY':
      return { fault: 'failed', plain: 'it is there already', detail: 'duplicate' };
    case 'ER_CANT_AGGREGATE_2COLLATIONS':
    case 'ER_CANT_AGGREGATE_3COLLATIONS':
    case 'ER_CANT_AGGREGATE_NCOLLATIONS':
    case 'ER_TRUNCATED_WRONG_VALUE_FOR_FIELD':
    case 'ER_CANNOT_CONVERT_STRING':
      return { fault: 'failed', plain: "the table's character set has no such letter", detail: 'text' };
    case 'ER_OPTION_PREVENTS_STATEMENT':
    case 'ER_READ_ONLY_MODE':
      return { fault: 'denied', plain: 'the database is read-only', advice: 'connect to the primary server' };
    case 'ER_LOCK_WAIT_TIMEOUT':
    case 'ER_QUERY_TIMEOUT':
      return TOO_SLOW;
    case 'ER_CON_COUNT_ERROR':
    case 'ER_TOO_MANY_USER_CONNECTIONS':
      return { fault: 'unreachable', plain: 'it has too many connections', advice: 'raise max_connections' };
    case 'HANDSHAKE_NO_SSL_SUPPORT':
      return { fault: 'denied', plain: 'TLS: it does not offer any', advice: 'set ssl_cert and ssl_key there' };
    case 'HANDSHAKE_SSL_ERROR':
      return describeTlsMessage(message);
    case 'PROTOCOL_CONNECTION_LOST':
    case 'ER_SERVER_SHUTDOWN':
      return { fault: 'unreachable', plain: 'the connection was cut', advice: 'look at the log of the database' };
    default:
      return null;
  }
}
