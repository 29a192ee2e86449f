import { subscribe } from 'node:diagnostics_channel'

/** The members of undici's request that are used here. `headers`: names and values alternate. */
interface Sent {
  readonly path: string
  readonly headers: string[]
}

/**
 * The kinds of request with fail points: the keyed refresh of a guest token, the refresh of a sign-in, the
 * rotating refresh of a guest, or the create of a guest.
 */
export type Refreshing = 'guest' | 'grant' | 'engagements' | 'create'

const paths: Readonly<Record<Refreshing, RegExp>> = {
  guest: /\/guesttokens\/[^/]+\/refresh$/,
  grant: /\/oauth\/token$/,
  engagements: /\/engagements\/guests\/refresh$/,
  create: /\/(engagements|externalusers)\/guests$/,
}

/** Calls back for every refresh request of this process, through the diagnostics channels of undici. */
export function onRefresh(
  moment: 'create' | 'bodySent' | 'trailers',
  listener: (request: Sent) => void,
  of: Refreshing = 'guest',
): void {
  subscribe(`undici:request:${moment}`, (message) => {
    const { request } = message as { readonly request: Sent }
    if (paths[of].test(request.path)) listener(request)
  })
}
