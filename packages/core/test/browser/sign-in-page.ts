/** A page that signs its user in and makes a guest, and nothing else: what such a page has of the library. */
import { connection, resolveHosts, webPorts, webStorageStore } from '../../src/index.ts'

interface Settings {
  readonly upstream: string
  readonly clientId: string
  readonly scopes: readonly string[]
}

const { upstream, clientId, scopes } = (globalThis as unknown as { readonly settings: Settings }).settings
const home = connection(
  { hosts: resolveHosts({ oauthBaseUrl: upstream, apiBaseUrl: upstream }), client: { id: clientId }, scopes },
  { ...webPorts(), store: webStorageStore(() => sessionStorage) },
)

const refused = (thrown: { readonly code?: string; readonly reason?: string; readonly message?: string }) => ({
  code: thrown.code,
  reason: thrown.reason,
  message: thrown.message,
})

const page = {
  /** Leaves for upstream; answers only where it cannot. */
  begin: async () => {
    const begun = (await home).signIn.begin({ redirectUri: `${location.origin}/back` })
    return begun.then(({ url }) => location.assign(url), refused)
  },
  complete: async (query = location.search) => (await home).signIn.complete(query).catch(refused),
  isSignedIn: async () => (await home).grant.exists(),
  generation: async () => (await home).accessTokens.token().then(({ generation }) => ({ generation }), refused),
  renew: async () => {
    const { accessTokens } = await home
    accessTokens.reportRejected((await accessTokens.token()).token)
    return accessTokens.token().then(({ generation }) => ({ generation }), refused)
  },
  /** What a store in the storage that all windows share says. */
  shared: async () =>
    webStorageStore(localStorage)
      .find('default', 'grant')
      .then(() => undefined, refused),
  /** Makes a guest, and gives its token to `start`, as the Web Messaging SDK takes it. */
  chat: async (name: string, email: string) => {
    const { guests, verifier } = await home
    const { guestId, token, verified } = await guests.issue({ api: 'external-users', name, email })
    const start = async (text: string) => verifier.verify(text, { subject: guestId })
    return { verified, verdict: await start(token.reveal()) }
  },
}

export type SignInPage = typeof page
Object.assign(globalThis, { page })
