import {
  authorizedAxios,
  authorizedFetch,
  authorizedSdk,
  authorizedUndici,
  type Hosts,
  type TokenSource,
} from '@guestpass/core'
import * as schemas from '@guestpass/core/options'
import type { AxiosLike, Fetch, SdkClient } from '@guestpass/core/runtime-kit'
import { argumentError, checkArgument, fieldFault, type Parameter } from './arguments.ts'

/** A dispatcher of undici 7 or later, of any copy of the package. */
export interface ComposableDispatcher {
  /** Makes a dispatcher that calls the interceptor first. */
  compose(interceptor: never): unknown
}

/** HTTP clients that carry the connection's access token to its API. */
export interface AuthorizedClients {
  /**
   * `fetch` with the access token. A path, as `/api/v2/tokens/me`, is relative to the API. If the answer is
   * 401, the request is sent once more with a new token. Rejects with `invalid_input` for an address outside
   * the API, and with the codes of `accessToken`.
   *
   * @example
   * ```ts
   * const { status } = await gp.fetch('/api/v2/tokens/me')
   * console.log(status)
   * ```
   */
  readonly fetch: Fetch
  /**
   * Adds the access token to requests of an axios instance to the API, as `fetch` does. Requests elsewhere go
   * out without it. The result removes it.
   *
   * @example
   * ```ts
   * const api = axios.create()
   * gp.axios(api)
   * ```
   */
  axios(instance: AxiosLike): () => void
  /**
   * Gives an undici dispatcher whose requests to the API carry the access token, as `fetch` does. Throws
   * `invalid_input` for anything that is not a dispatcher.
   *
   * @example
   * ```ts
   * const dispatcher = gp.undici(new Agent())
   * await request('https://api.example.com/api/v2/tokens/me', { dispatcher })
   * ```
   */
  undici<D extends ComposableDispatcher>(dispatcher: D): ReturnType<D['compose']>
  /**
   * Adds the access token to Genesys' official SDK (`ApiClient.instance`), whatever address it calls. The
   * result removes it.
   */
  sdk(client: SdkClient): () => void
}

const DISPATCHER: Parameter = {
  what: 'No dispatcher was made',
  name: 'dispatcher',
  kind: schemas.objectWithMethods('a dispatcher of undici', ['compose'], 'Give new Agent().'),
}

const NOT_SENT = 'The request was not sent'
const NO_ADDRESS = fieldFault(
  'input',
  'is neither a path that begins with / nor an address',
  "Begin a path with /, as '/api/v2/tokens/me'.",
)

export function authorizedClients(
  { api, oauth }: Pick<Hosts, 'api' | 'oauth'>,
  source: TokenSource,
): AuthorizedClients {
  const base = api ?? oauth
  const only = { origins: [new URL(base).origin] }
  const send = authorizedFetch(source, only)
  return {
    fetch: async (input, init) => {
      if (typeof input === 'string' && !input.startsWith('/') && !URL.canParse(input))
        throw argumentError(NOT_SENT, NO_ADDRESS)
      return send(typeof input === 'string' && input.startsWith('/') ? `${base}${input}` : input, init)
    },
    axios: (instance) => authorizedAxios(instance, source, only),
    undici<D extends ComposableDispatcher>(dispatcher: D) {
      return checkArgument(DISPATCHER, dispatcher).compose(authorizedUndici(source, only) as never) as ReturnType<
        D['compose']
      >
    },
    sdk: (client) => authorizedSdk(client, source),
  }
}
