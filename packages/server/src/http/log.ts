import { asGuestpassError } from '@guestpass/core/store-kit'
import pino from 'pino'

/** The log of an instance: JSON lines without secrets. */
export interface ServiceLog {
  note(message: string): void
  warn(message: string): void
  /** A request was answered. */
  request(entry: RequestEntry): void
  /** A request or a part of the service failed in a way that was not foreseen. */
  failed(requestId: string, thrown: unknown): void
  /** A worker fails, works again, or has ended. */
  worker(entry: Readonly<Record<string, unknown>>, isFailure: boolean): void
}

/** What is logged of a request: no address, header or body, because they may hold secrets and personal data. */
export interface RequestEntry {
  readonly requestId: string
  readonly method: string
  /** The pattern of the route, without values. */
  readonly route: string
  readonly status: number
  readonly durationMs: number
  readonly key?: string
  readonly connection?: string
  /** The code of the error in the answer. */
  readonly code?: string
}

/** Members that are never written, of an entry or one level below. */
const SECRET = ['token', 'authorization', 'accessToken', 'refreshToken', 'clientSecret', 'secret', 'email']

/** @param write takes one line with its end */
export function createServiceLog(write: (line: string) => void): ServiceLog {
  const paths = SECRET.flatMap((name) => [name, `*.${name}`])
  const logger = pino(
    {
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      // As `keep` names them.
      formatters: { level: (label) => ({ level: label === 'warn' ? 'warning' : label }) },
      messageKey: 'message',
      redact: { paths, censor: '[secret]' },
    },
    { write },
  )
  return {
    note: (message) => logger.info({ event: 'note' }, message),
    warn: (message) => logger.warn({ event: 'warning' }, message),
    request: (entry) => logger[entry.status < 500 ? 'info' : 'error']({ event: 'request', ...entry }),
    failed(requestId, thrown) {
      const { code, message, stack } = asGuestpassError(thrown)
      logger.error({ event: 'failed', requestId, code, stack }, message)
    },
    worker: (entry, isFailure) => logger[isFailure ? 'error' : 'info']({ event: 'worker', ...entry }),
  }
}
