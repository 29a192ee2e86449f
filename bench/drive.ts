import { Pool } from 'undici'

/** A request that is sent over and over. */
export interface Driven {
  readonly origin: string
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  /** The body of the next request. */
  readonly body: () => string
  readonly status: number
}

/** What came of a slice of time. */
export interface Slice {
  readonly perSecond: number
  /** How long each request took, in milliseconds. */
  readonly ms: readonly number[]
}

/** Sends requests. */
export interface Driver {
  /** Keeps so many requests under way for a time in milliseconds. */
  drive(inFlight: number, sliceMs: number): Promise<Slice>
  close(): Promise<void>
}

/** Connections are kept, one for each request under way. */
export function driver({ origin, path, headers = {}, body, status }: Driven): Driver {
  const pool = new Pool(origin, { pipelining: 1 })
  const all = { 'content-type': 'application/json', ...headers }
  async function once(): Promise<void> {
    const answer = await pool.request({ path, method: 'POST', headers: all, body: body() })
    const text = await answer.body.text()
    if (answer.statusCode !== status) throw new Error(`${origin}${path} answered ${answer.statusCode}: ${text}`)
  }
  return {
    async drive(inFlight, sliceMs) {
      const ms: number[] = []
      const started = performance.now()
      async function client(): Promise<void> {
        for (let at = performance.now(); at < started + sliceMs; ) {
          await once()
          const now = performance.now()
          ms.push(now - at)
          at = now
        }
      }
      await Promise.all(Array.from({ length: inFlight }, client))
      return { perSecond: (ms.length / (performance.now() - started)) * 1_000, ms }
    },
    close: () => pool.close(),
  }
}

/** A quantile of figures: the least one that at least this share of them does not exceed. */
export function quantile(figures: readonly number[], share: number): number {
  const sorted = figures.toSorted((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN
}
