import type { ErrorCode, GuestpassError } from '@guestpass/core'
import { asGuestpassError, UNREACHABLE } from '@guestpass/core/store-kit'
import { commandFor, commandRemedy, keyOfVariable, settingName } from '@guestpass/runtime'
import { withVariables } from '../commands/runner/remedies.ts'

/** The result of one check. A finding that is not `ok` says what to do. */
export interface Finding {
  readonly check: string
  readonly state: 'ok' | 'warning' | 'failed'
  readonly message: string
  readonly code?: ErrorCode
  readonly remedy?: string
  /** More of what was found, a line each. */
  readonly details?: readonly string[]
}

export const ok = (check: string, message: string): Finding => ({ check, state: 'ok', message })

export const warning = (check: string, message: string, remedy: string): Finding => ({
  check,
  state: 'warning',
  message,
  remedy,
})

export const failed = (check: string, code: ErrorCode, message: string, remedy: string): Finding => ({
  check,
  state: 'failed',
  message,
  code,
  remedy,
})

/** What to do about errors of checks that have no remedy of their own. `command`: writes one in back-ticks. */
function remediesWith(command: (words: string) => string): Partial<Readonly<Record<ErrorCode, string>>> {
  const seeConfig = `See each value and its origin with ${command('config')}.`
  return {
    upstream_unavailable: `Check the address, DNS, the firewall and HTTPS_PROXY. ${seeConfig}`,
    deadline_exceeded: `Check the address, DNS, the firewall and HTTPS_PROXY. ${seeConfig}`,
    upstream_garbled: `Check the address: another server may answer there. ${seeConfig}`,
    upstream_rejected: `Check the address of the endpoint. ${seeConfig}`,
    upstream_busy: 'Wait until the limit of the upstream ends, or lower GENESYS_RATE_LIMIT.',
    client_rejected: `Set GENESYS_CLIENT_ID and GENESYS_CLIENT_SECRET to those of the OAuth client. ${seeConfig}`,
    access_denied: `Grant the OAuth client its role and scopes, then run ${command('doctor')} again.`,
    scope_missing: 'Grant the OAuth client the scope, or name its scopes in GENESYS_SCOPES.',
    keys_unavailable: `Check the address of the key-set, or set GENESYS_JWKS_URL or GENESYS_PUBLIC_KEY. ${seeConfig}`,
    token_refused: `Check the keys, and GENESYS_TOKEN_ALGORITHMS. See ${command('verify --help')}.`,
    in_doubt: `Wait for the next renewal. If it fails, sign in again with ${command('login')}.`,
    store_unavailable: 'Free space on the disk, and let this user read and write the folder of the database.',
    store_busy: `End the process that locks the database, then run ${command('doctor')} again.`,
    store_wrong_key: 'Set GUESTPASS_ENCRYPTION_KEY to the key of this store, or put its key file back.',
    store_corrupt: 'Restore the database from a backup.',
    store_newer: 'Install the version that wrote the store, or a newer one.',
  }
}

/** The finding of a check that rejected. */
export function failure(check: string, thrown: unknown, connection: string, remedy?: string): Finding {
  const error = asGuestpassError(thrown)
  return failed(check, error.code, withVariables(error, connection).message, remedy ?? remedyOf(error, connection))
}

/** The server failed, and the network did not. */
const hasAnswered = ({ code, upstream }: GuestpassError): boolean =>
  code === 'upstream_unavailable' && upstream !== undefined
const ANSWERED = 'The server answers, and fails: wait until it recovers, or ask who operates it. The network works.'

const NO_SERVER = 'Check the address of the database, and that its server runs: docs/postgres.md has more.'

export const remedyOf = (error: GuestpassError, connection: string): string =>
  // The command line advises to run doctor.
  (error.code === 'client_rejected' ? undefined : commandRemedy(error, connection)) ??
  (hasAnswered(error) ? ANSWERED : undefined) ??
  (error.reason === UNREACHABLE ? NO_SERVER : undefined) ??
  remediesWith((words) => `\`${commandFor(connection, words)}\``)[error.code] ??
  'Look up the code in docs/errors.md.'

/** Runs a check. A check that rejects is a finding. */
export async function examine(check: string, connection: string, work: () => Promise<Finding>): Promise<Finding> {
  try {
    return await work()
  } catch (thrown) {
    return failure(check, thrown, connection)
  }
}

/** The finding with a remedy that names the settings of this connection. Only those of `default` are variables. */
export const withSettingsOf = (connection: string, { remedy, ...finding }: Finding): Finding =>
  remedy === undefined
    ? finding
    : {
        ...finding,
        remedy: remedy.replaceAll(VARIABLE, (name) => {
          const key = keyOfVariable(name)
          return key === undefined ? name : settingName(key, connection)
        }),
      }

const VARIABLE = /\b[A-Z]+(?:_[A-Z]+)+\b/g
