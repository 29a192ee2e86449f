import { GuestpassError } from '@guestpass/core'

/** The event streams of an instance that are open. */
export interface OpenStreams {
  readonly count: number
  /**
   * Opens a stream: its signal aborts when the client has gone, or when the instance stops. Throws `service_busy`
   * for one too many.
   */
  open(): { readonly signal: AbortSignal; close(): void }
  /** Ends all streams. */
  endAll(): void
}

/** Each stream reads the store twice a second. */
const MOST = 100

export function createOpenStreams(): OpenStreams {
  const open = new Set<AbortController>()
  return {
    get count() {
      return open.size
    },
    open() {
      if (open.size >= MOST)
        throw new GuestpassError('service_busy', `This instance has ${MOST} open event streams, which is the most.`)
      const stream = new AbortController()
      open.add(stream)
      const close = (): void => {
        stream.abort()
        open.delete(stream)
      }
      return { signal: stream.signal, close }
    },
    endAll() {
      for (const stream of open) stream.abort()
    },
  }
}
