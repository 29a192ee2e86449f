import {
  authorizedAxios,
  authorizedFetch,
  authorizedSdk,
  authorizedUndici,
  type AxiosLike,
  type Fetch,
  type Hosts,
  type SdkClient,
  type TokenSource,
} from '@guestpass/core'

/** A dispatcher of undici 7 or later, of any copy of it. */
export interface Composable {
  compose(interceptor: never): unknown
}

/** HTTP clients that carry the connection's access token to its API. */
export interface AuthorizedClients {
  readonly fetch: Fetch
  axios(instance: AxiosLike): () => void
  undici<D extends Composable>(dispatcher: D): ReturnType<D['compose']>
  /** The client of Genesys' official SDK, `ApiClient.instance`; wherever it points. The answer takes the token off again. */
  sdk(client: SdkClient): () => void
}

export function authorizedClients(
  { api, oauth }: Pick<Hosts, 'api' | 'oauth'>,
  source: TokenSource,
): AuthorizedClients {
  const base = api ?? oauth
  const options = { origins: [new URL(base).origin] }
  const send = authorizedFetch(source, options)
  return {
    fetch: (input, init) => send(typeof input === 'string' && input.startsWith('/') ? `${base}${input}` : input, init),
    axios: (instance) => authorizedAxios(instance, source, options),
    undici<D extends Composable>(dispatcher: D) {
      return dispatcher.compose(authorizedUndici(source, options) as never) as ReturnType<D['compose']>
    },
    sdk: (client) => authorizedSdk(client, source),
  }
}
