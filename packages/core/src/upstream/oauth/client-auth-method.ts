import { causedBy, GuestpassError } from '../../domain/errors.ts'
import { type OAuthClient, type ClientAuthMethod, isEncodingMatter } from './client.ts'

/** Where the method that worked is stored. */
export interface MethodMemory {
  recall(): Promise<ClientAuthMethod | undefined>
  remember(method: ClientAuthMethod): Promise<void>
}

interface MethodSelectionOptions {
  readonly client: OAuthClient
  /**
   * `auto`: a private key if there is one; else the method that the server advertises; else Basic on hosts of
   * the platform, and the form body elsewhere. If that is refused, the other one is tried once, and stored.
   */
  readonly clientAuth: 'auto' | ClientAuthMethod
  /** Whether the token endpoint is on a host of the public platform. */
  readonly platform: boolean
  /**
   * The methods that the server advertises (RFC 8414, token_endpoint_auth_methods_supported). Undefined if it
   * does not say.
   */
  readonly advertised?: (() => Promise<readonly string[] | undefined>) | undefined
}

type SecretMethod = 'basic' | 'body'

/** The codes of refusals by a server that has authenticated the client. */
const PROVING: ReadonlySet<string | undefined> = new Set([
  'invalid_grant',
  'invalid_scope',
  'invalid_target',
  'unauthorized_client',
  'authorization_pending',
  'slow_down',
  'access_denied',
  'expired_token',
])

const provesClient = (thrown: unknown): boolean =>
  thrown instanceof GuestpassError && thrown.code !== 'client_rejected' && PROVING.has(thrown.upstream?.code)

const isRefused = (thrown: unknown): thrown is GuestpassError =>
  thrown instanceof GuestpassError && thrown.code === 'client_rejected'

const methodTexts: Readonly<Record<SecretMethod, string>> = { basic: 'in Basic', body: 'in the form body' }

/** The error of a code that is refused after the client was: the first request may have used the code up. */
const usedUp = (error: GuestpassError, one: SecretMethod, other: SecretMethod): GuestpassError =>
  new GuestpassError(
    error.code,
    `${error.message} Before that, upstream refused the client, which sent its secret ${methodTexts[one]}; that may have used the code up. The next sign-in sends it ${methodTexts[other]}. If that is refused too, check \`client.secret\`.`,
    causedBy(error),
  )

interface Selection {
  readonly options: MethodSelectionOptions
  readonly memory: MethodMemory
  /** The method that worked last in this process: then the memory that processes share is not read. */
  proven?: ClientAuthMethod
}

type Send<T> = (method: ClientAuthMethod) => Promise<T>

/**
 * Creates a function that sends requests with the authentication method that worked last. A refused client
 * proves that nothing was done, so that the other method may be tried once. Any answer of a server that has
 * authenticated the client proves the method, also a refusal: if the server uses codes up with a refused
 * client, the next code is sent with the method that it accepts.
 */
export function createMethodSelection(options: MethodSelectionOptions, memory: MethodMemory) {
  const selection: Selection = { options, memory }
  return async <T>(send: Send<T>): Promise<T> => {
    const { client, clientAuth } = options
    if (clientAuth === 'private_key_jwt' || (clientAuth === 'auto' && client.privateKey)) return send('private_key_jwt')
    if (!client.secret) return send('none')
    return clientAuth === 'auto' ? sendWithSecret(selection, send) : send(clientAuth)
  }
}

async function sendWithSecret<T>(selection: Selection, send: Send<T>): Promise<T> {
  const one = await firstMethod(selection)
  try {
    return await sendProving(selection, one, send)
  } catch (thrown) {
    if (!isRefused(thrown)) throw thrown
    return sendOtherMethod(selection, one, thrown, send)
  }
}

async function sendProving<T>(selection: Selection, method: ClientAuthMethod, send: Send<T>): Promise<T> {
  try {
    const answer = await send(method)
    selection.proven = method
    return answer
  } catch (thrown) {
    if (provesClient(thrown)) selection.proven = method
    throw thrown
  }
}

async function firstMethod({ options, memory, proven }: Selection): Promise<SecretMethod> {
  const known = proven ?? (await memory.recall())
  if (known === 'basic' || known === 'body') return known
  const advertised = await options.advertised?.()
  const isTaken = (method: string): boolean => advertised?.includes(method) === true
  if (isTaken('client_secret_basic') !== isTaken('client_secret_post'))
    return isTaken('client_secret_basic') ? 'basic' : 'body'
  return options.platform ? 'basic' : 'body'
}

async function sendOtherMethod<T>(
  selection: Selection,
  one: SecretMethod,
  refused: GuestpassError,
  send: Send<T>,
): Promise<T> {
  const { options, memory } = selection
  const other = one === 'basic' ? 'body' : 'basic'
  try {
    return await sendProving(selection, other, send)
  } catch (thrown) {
    if (thrown instanceof GuestpassError && thrown.code === 'sign_in_refused') throw usedUp(thrown, one, other)
    // The encoding of Basic may be at fault, of which the refusal of the body says nothing.
    throw isRefused(thrown) && one === 'basic' && isEncodingMatter(options.client) ? refused : thrown
  } finally {
    // The answer must not be lost because the store cannot be written.
    if (selection.proven === other) await memory.remember(other).catch(() => {})
  }
}
