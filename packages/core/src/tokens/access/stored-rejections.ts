import type { Secret } from '../../domain/secret.ts'
import { isInForce, type Instant, type Millis } from '../../domain/time.ts'
import type { Clock } from '../../ports/clock.ts'
import { LONGEST, waitAfter } from './rejections.ts'

/** An operation refused a token that was new. */
interface StoredRejection {
  /** SHA-256 of the token. */
  readonly token: string
  readonly at: Instant
  /** So long it is not renewed for that. */
  readonly waitMs: Millis
}

interface StoredRejectionPorts {
  readonly clock: Clock
  load(): Promise<unknown>
  save(notes: unknown): Promise<void>
  digest(text: string): string | Promise<string>
}

/**
 * Which operations refuse new tokens, kept in the store: a process that ends with its call, as a command, would begin anew each time. Notes
 * are a help alone: a store that cannot be asked changes nothing.
 */
export interface StoredRejections {
  /** Whether another process found that the operation refuses exactly this token, though it was new, and must still wait. */
  isRejected(operation: string, token: Secret): Promise<boolean>
  /** Takes down that an operation refused a token that was new. */
  record(operation: string, token: Secret): Promise<void>
  /** Forgets an operation that took a token. */
  forget(operation: string): Promise<void>
}

export function createStoredRejections({ clock, load, save, digest }: StoredRejectionPorts): StoredRejections {
  /** The token of each note that was written here. */
  const added = new Map<string, string>()
  const read = async (): Promise<Readonly<Record<string, StoredRejection>>> =>
    notesIn(await load().catch(() => undefined))
  const write = (notes: Readonly<Record<string, StoredRejection>>): Promise<void> => save(notes).catch(() => {})

  return {
    async isRejected(operation, token) {
      // A process that refused itself knows better.
      if (added.has(operation)) return false
      const note = (await read())[operation]
      if (!note || note.token !== (await digest(token.reveal()))) return false
      return isInForce(note.at + note.waitMs, note.waitMs, clock.wall())
    },
    async record(operation, refused) {
      const token = await digest(refused.reveal())
      if (added.get(operation) === token) return
      added.set(operation, token)
      const notes = await read()
      const former = notes[operation]
      if (former?.token === token) return
      const now = clock.wall()
      const span = LONGEST + (former?.waitMs ?? 0)
      const isFollowing = former && isInForce(former.at + span, span, now)
      const waitMs = waitAfter(isFollowing ? former.waitMs : 0)
      await write({ ...notes, [operation]: { token, at: now, waitMs } })
    },
    async forget(operation) {
      if (!added.delete(operation)) return
      const { [operation]: _over, ...others } = await read()
      await write(others)
    },
  }
}

function notesIn(value: unknown): Readonly<Record<string, StoredRejection>> {
  if (typeof value !== 'object' || value === null) return {}
  return Object.fromEntries(
    Object.entries(value).filter((entry): entry is [string, StoredRejection] => isNote(entry[1])),
  )
}

function isNote(value: unknown): value is StoredRejection {
  const { token, at, waitMs } = (value ?? {}) as Partial<StoredRejection>
  const isWait = typeof waitMs === 'number' && waitMs > 0 && waitMs <= LONGEST
  return typeof token === 'string' && Number.isFinite(at) && isWait
}
