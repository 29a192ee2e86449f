import { subscribe } from 'node:diagnostics_channel'

/** The parts of undici's request that are used here. Headers: names and values in turn. */
interface Sent {
  readonly path: string
  readonly headers: string[]
}

const isRefresh = ({ path }: Sent): boolean => /\/guesttokens\/[^/]+\/refresh$/.test(path)

/** Hears of every refresh request of this process, through the diagnostics channels of undici. */
export function onRefresh(moment: 'create' | 'bodySent' | 'trailers', hear: (request: Sent) => void): void {
  subscribe(`undici:request:${moment}`, (message) => {
    const { request } = message as { readonly request: Sent }
    if (isRefresh(request)) hear(request)
  })
}
