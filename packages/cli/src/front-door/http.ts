import {
  authorizedAxios,
  authorizedFetch,
  authorizedSdk,
  authorizedUndici,
  type Hosts,
  type TokenSource,
} from '@guestpass/core'
import * as kinds from '@guestpass/core/options'
import type { AxiosLike, Fetch, SdkClient } from '@guestpass/core/runtime-kit'
import { checkArgument, type Parameter } from './arguments.ts'

/** A dispatcher of undici 7 or later, of any copy of it. */
export interface Composable {
  compose(interceptor: never): unknown
}

/** HTTP clients that carry the connection's access token to its API. */
export interface AuthorizedClients {
  /**
   * `fetch` with the access token; a path, as `/api/v2/tokens/me`, is one of the API. A request that gets a 401 is sent once more with the next
   * token. Rejects with `invalid_input` for an address elsewhere, and with the codes of `accessToken`.
   *
   * @example
   * const me = await gp.fetch('/api/v2/tokens/me')
   */
  readonly fetch: Fetch
  /**
   * Gives requests of an instance of axios to the API the access token, likewise; others go out without it. The answer takes it off again.
   *
   * @example
   * const api = axios.create()
   * gp.axios(api)
   */
  axios(instance: AxiosLike): () => void
  /**
   * A dispatcher of undici whose requests to the API carry the access token, likewise. Throws `invalid_input` for what is none.
   *
   * @example
   * const dispatcher = gp.undici(new Agent())
   * await request('https://api.example.com/api/v2/tokens/me', { dispatcher })
   */
  undici<D extends Composable>(dispatcher: D): ReturnType<D['compose']>
  /** The client of Genesys' official SDK, `ApiClient.instance`; wherever it points. The answer takes the token off again. */
  sdk(client: SdkClient): () => void
}

const DISPATCHER: Parameter = {
  what: 'No dispatcher was made',
  name: 'dispatcher',
  kind: kinds.having('a dispatcher of undici', ['compose'], 'Give new Agent().'),
}

export function authorizedClients(
  { api, oauth }: Pick<Hosts, 'api' | 'oauth'>,
  source: TokenSource,
): AuthorizedClients {
  const base = api ?? oauth
  const only = { origins: [new URL(base).origin] }
  const send = authorizedFetch(source, only)
  return {
    fetch: (input, init) => send(typeof input === 'string' && input.startsWith('/') ? `${base}${input}` : input, init),
    axios: (instance) => authorizedAxios(instance, source, only),
    undici<D extends Composable>(dispatcher: D) {
      return checkArgument(DISPATCHER, dispatcher).compose(authorizedUndici(source, only) as never) as ReturnType<
        D['compose']
      >
    },
    sdk: (client) => authorizedSdk(client, source),
  }
}
