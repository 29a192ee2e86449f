import { isOAuthCredentialId } from '../domain/credential-ids.ts'
import { SIGN_INS } from '../domain/document-kinds.ts'
import { callable, checkOptions, required, object, optionsError } from '../domain/options.ts'
import { GuestpassError } from '../domain/errors.ts'
import type { Clock } from '../ports/clock.ts'
import * as schemas from '../ports/schemas.ts'
import { systemClock, systemRandom } from '../ports/system.ts'
import type { Change, Store } from '../ports/store.ts'
import { rejectUnsupported, withoutDelivery } from './unsupported-calls.ts'
import { createTextStore } from './text-store.ts'

/** Where the tokens of a program are kept, as one text. */
export interface TokenStorageOptions {
  /**
   * Gives the text that was saved last; null or undefined when none was saved yet. An empty text counts as damaged, because a write
   * that was cut off leaves one.
   */
  readonly load: () => string | null | undefined | Promise<string | null | undefined>
  /**
   * Replaces the text as a whole, and resolves once it is durable: a row of a database, or a file that is written beside and renamed.
   * Called for one text at a time. Give it a time-out of its own: nothing else is saved while it runs.
   */
  readonly save: (text: string) => unknown
  /** Default: the system's. */
  readonly clock?: Clock
}

const optionsSchema = object<TokenStorageOptions>({
  load: required(callable('Give a function that returns the text saved last.')),
  save: required(callable('Give a function that stores a text.')),
  clock: schemas.clock,
})

const NOTHING_ELSE = ['tokenStorage', 'access tokens and sign-ins alone'] as const

/**
 * A store for the OAuth job alone, kept as one text by two functions: access tokens by client credentials, sign-ins, rotating refresh
 * tokens, sign-outs. Every change is saved before it counts: the intent before a refresh token is sent, its successor before any caller
 * gets a token.
 *
 * The text is a JSON document that holds refresh tokens in clear. Keep it in a vault, an encrypted file or an encrypted column. One process
 * owns it: two that save the same text undo each other's changes, and may present a refresh token twice.
 *
 * It carries no guests, webhooks or audit log: their calls reject with `config_invalid` before anything is sent. Events stay in memory, the
 * newest 1000 of each connection, so that `report` covers this process alone.
 *
 * If `load` or `save` fails, the call rejects with `store_unavailable`, which shows the name and the code of the failure and never its
 * message. New tokens in hand are saved again every second. A text that is damaged rejects with `store_corrupt`, one of a newer version
 * with `store_newer`; nothing is saved over it. Throws `config_invalid` when `load` or `save` is no function.
 *
 * @example
 * const store = tokenStorage({ load: () => vault.read('guestpass'), save: (text) => vault.write('guestpass', text) })
 * const { accessTokens } = await connection({ hosts, client, refreshToken }, { ...nodePorts(), store })
 * const { token } = await accessTokens.token()
 */
export function tokenStorage(options: TokenStorageOptions): Store {
  checkOptions('tokenStorage', ['options', options, optionsSchema])
  const { load, save, clock = systemClock() } = options
  const store = createTextStore({
    clock,
    place: 'The text that load gave',
    newId: systemRandom().uuid,
    load: async () => textOf(await calling('load', load)),
    save: async (text) => void (await calling('save', () => save(text))),
  })
  /** A call of the store, refused where it is about something else. */
  const only =
    <Args extends readonly unknown[], Answer>(
      call: (...args: Args) => Promise<Answer>,
      isCarried: (...args: Args) => boolean,
    ) =>
    async (...args: Args): Promise<Answer> =>
      isCarried(...args) ? call(...args) : rejectUnsupported(...NOTHING_ELSE)
  return {
    ...store,
    ...withoutDelivery(...NOTHING_ELSE),
    commit: only(store.commit, isCarried),
    find: only(store.find, (_connection, id) => isOAuthCredentialId(id)),
    list: only(store.list, (_connection, { kind }) => kind !== 'guest'),
    document: only(store.document, (_connection, kind) => kind === SIGN_INS),
    documents: only(store.documents, (_connection, { kind }) => kind === SIGN_INS),
    claimDue: only(store.claimDue, () => false),
    claimDueDocuments: only(store.claimDueDocuments, () => false),
  }
}

function isCarried({ writes = [], documents = [], issued = [], deny = [] }: Change): boolean {
  const isOther = issued.length + deny.length > 0 || documents.some(({ kind }) => kind !== SIGN_INS)
  return !isOther && writes.every(({ credential: { kind, id } }) => kind !== 'guest' && isOAuthCredentialId(id))
}

function textOf(loaded: unknown): string | undefined {
  if (loaded === null || loaded === undefined) return undefined
  if (typeof loaded === 'string') return loaded
  const remedy = 'Let it return the text that save was given, or null before the first.'
  const message = `gave no text but a value of type ${typeof loaded}`
  throw optionsError('tokenStorage', { field: 'load', message, remedy })
}

async function calling<T>(name: 'load' | 'save', call: () => T): Promise<Awaited<T>> {
  try {
    return await call()
  } catch (thrown) {
    if (thrown instanceof GuestpassError) throw thrown
    // Its message is not shown, and it is no cause: both may hold the text.
    throw new GuestpassError(
      'store_unavailable',
      `The tokens cannot be ${name === 'load' ? 'read' : 'saved'}: ${name} of tokenStorage failed (${nameOf(thrown)}). Look at what it works with; ask again afterwards.`,
    )
  }
}

/** What may be shown of a foreign error: its name and its code. */
function nameOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return `threw a value of type ${typeof thrown}`
  const code: unknown = Reflect.get(thrown, 'code')
  return typeof code === 'string' && /^[A-Z][A-Z\d_]{1,40}$/.test(code) ? `${thrown.name}, ${code}` : thrown.name
}
