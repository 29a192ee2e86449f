import { subscribe } from 'node:diagnostics_channel'

/** The parts of undici's request that are used here. Headers: names and values in turn. */
interface Sent {
  readonly path: string
  readonly headers: string[]
}

/** What is refreshed: guest tokens, or the sign-in of a user. */
export type Refreshing = 'guest' | 'grant'

const paths: Readonly<Record<Refreshing, RegExp>> = {
  guest: /\/guesttokens\/[^/]+\/refresh$/,
  grant: /\/oauth\/token$/,
}

/** Hears of every refresh request of this process, through the diagnostics channels of undici. */
export function onRefresh(
  moment: 'create' | 'bodySent' | 'trailers',
  hear: (request: Sent) => void,
  of: Refreshing = 'guest',
): void {
  subscribe(`undici:request:${moment}`, (message) => {
    const { request } = message as { readonly request: Sent }
    if (paths[of].test(request.path)) hear(request)
  })
}
