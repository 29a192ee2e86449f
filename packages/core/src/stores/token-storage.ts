import { isOAuthCredentialId } from '../domain/credential-ids.ts'
import { documentKind } from '../domain/document-kinds.ts'
import { callable, checkOptions, required, object, optionsError } from '../domain/options.ts'
import { GuestpassError } from '../domain/errors.ts'
import type { Clock } from '../ports/clock.ts'
import * as schemas from '../ports/schemas.ts'
import { systemClock, systemRandom } from '../ports/system.ts'
import type { Change, Store } from '../ports/store.ts'
import { rejectUnsupported, withoutDelivery } from './unsupported-calls.ts'
import { createTextStore } from './text-store.ts'

/** Options of `tokenStorage`: two functions that load and save one text. */
export interface TokenStorageOptions {
  /**
   * Returns the text that was saved last; null or undefined if none was saved yet. An empty text counts as
   * damaged, because an interrupted write leaves one.
   */
  readonly load: () => string | null | undefined | Promise<string | null | undefined>
  /**
   * Replaces the whole text, and resolves when it is durable: a row of a database, or a new file that is
   * renamed. Never called while an earlier save runs. Give it a time-out, because other saves wait for it.
   */
  readonly save: (text: string) => unknown
  /** The clock for expiry and due times. Default: the clock of the system. */
  readonly clock?: Clock
}

const optionsSchema = object<TokenStorageOptions>({
  load: required(callable('Give a function that returns the text saved last.')),
  save: required(callable('Give a function that stores a text.')),
  clock: schemas.clock,
})

const SUPPORTS = ['tokenStorage', 'access tokens and sign-ins only'] as const

/**
 * Creates a store for access tokens and sign-ins, kept as one text by two functions of the program. It saves
 * every change before it takes effect: the intent before a refresh token is sent, and the new refresh token
 * before a caller gets a token.
 *
 * The text is JSON with refresh tokens in clear. Keep it in a secret manager, an encrypted file or an
 * encrypted column. Only one process may use it: two processes overwrite each other's changes, and may send a
 * refresh token twice.
 *
 * It supports no guests, webhooks or audit log. Their calls reject with `config_invalid` before anything is
 * sent. The newest 1000 events of each connection stay in memory, so that `report` covers this process only.
 *
 * @param options `load` and `save`; optionally `clock`.
 * @returns The store. If `load` or `save` fails, a call rejects with `store_unavailable`. The message shows
 *   the name and code of the failure, never its text. New tokens are saved again every second until that
 *   succeeds. A damaged text rejects with `store_corrupt`, one of a newer version with `store_newer`. Nothing
 *   overwrites either.
 * @throws `config_invalid` if `load` or `save` is not a function.
 * @example
 * ```ts
 * import { connection, resolveHosts, Secret, tokenStorage } from '@guestpass/core'
 * import { nodePorts } from '@guestpass/core/node'
 *
 * let saved: string | undefined // in a real program: an encrypted column or a secret manager
 * const store = tokenStorage({
 *   load: () => saved,
 *   save: (text) => {
 *     saved = text
 *   },
 * })
 * const ports = nodePorts()
 * const { grant } = await connection(
 *   {
 *     hosts: resolveHosts({ baseUrl: 'https://gateway.example.com' }),
 *     client: { id: 'my-client', secret: new Secret('my-secret') },
 *   },
 *   { ...ports, store },
 * )
 * console.log((await grant.exists()) ? 'signed in' : 'sign in first')
 * await ports.close()
 * ```
 */
export function tokenStorage(options: TokenStorageOptions): Store {
  checkOptions('tokenStorage', ['options', options, optionsSchema])
  const { load, save, clock = systemClock() } = options
  const store = createTextStore({
    clock,
    place: 'The text that load returned',
    newId: systemRandom().uuid,
    load: async () => textOf(await calling('load', load)),
    save: async (text) => void (await calling('save', () => save(text))),
  })
  return {
    ...store,
    ...withoutDelivery(...SUPPORTS),
    commit: only(store.commit, isSupported),
    find: only(store.find, (_connection, id) => isOAuthCredentialId(id)),
    list: only(store.list, (_connection, { kind }) => kind !== 'guest'),
    document: only(store.document, (_connection, kind) => kind === documentKind.signIn),
    documents: only(store.documents, (_connection, { kind }) => kind === documentKind.signIn),
    claimDue: only(store.claimDue, () => false),
    endedGuests: only(store.endedGuests, () => false),
    claimDueDocuments: only(store.claimDueDocuments, () => false),
  }
}

/** A call of the store that throws `config_invalid` for arguments that are not supported. */
const only =
  <Args extends readonly unknown[], Answer>(
    call: (...args: Args) => Promise<Answer>,
    supports: (...args: Args) => boolean,
  ) =>
  async (...args: Args): Promise<Answer> =>
    supports(...args) ? call(...args) : rejectUnsupported(...SUPPORTS)

function isSupported({ writes = [], removals = [], documents = [], issued = [], deny = [] }: Change): boolean {
  const isOther =
    removals.length + issued.length + deny.length > 0 || documents.some(({ kind }) => kind !== documentKind.signIn)
  return !isOther && writes.every(({ credential: { kind, id } }) => kind !== 'guest' && isOAuthCredentialId(id))
}

function textOf(loaded: unknown): string | undefined {
  if (loaded === null || loaded === undefined) return undefined
  if (typeof loaded === 'string') return loaded
  const remedy = 'Return the text that save received last, or null before the first save.'
  const message = `returned a value of type ${typeof loaded}, not a text`
  throw optionsError('tokenStorage', { field: 'load', message, remedy })
}

async function calling<T>(name: 'load' | 'save', call: () => T): Promise<Awaited<T>> {
  try {
    return await call()
  } catch (thrown) {
    if (thrown instanceof GuestpassError) throw thrown
    // The message and the cause may hold the text, so neither is passed on.
    throw new GuestpassError(
      'store_unavailable',
      `The tokens cannot be ${name === 'load' ? 'read' : 'saved'}: ${name} of tokenStorage failed (${nameOf(thrown)}). Repair what it uses, then retry.`,
    )
  }
}

/** The name and code of an error of the program. Its message may hold secrets. */
function nameOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return `threw a value of type ${typeof thrown}`
  const code: unknown = Reflect.get(thrown, 'code')
  return typeof code === 'string' && /^[A-Z][A-Z\d_]{1,40}$/.test(code) ? `${thrown.name}, ${code}` : thrown.name
}
