import { Socket } from 'node:net'
import type { FollowedCommits } from './followed-commits.ts'

/** The first byte of messages of the protocol of PostgreSQL: Query, Parse and Bind. */
const QUERY = 0x51
const PARSE = 0x50
const BIND = 0x42
/** The length of the start of a message that decides what it is. */
const HEAD = 200
/** The tag of the server's message that a commit took effect. */
const COMMITTED = 'COMMIT\0'

/** A connection to the server. */
interface Followed {
  readonly commits: FollowedCommits
  /** Whether the statement that was sent last inserts events. */
  inserts: boolean
  isCommitting: boolean
}

/**
 * Follows the commits of this process to PostgreSQL by what its sockets send and receive, so that no matter which
 * bundle has the driver. The connections must not be encrypted.
 *
 * @param createCommits makes the follower of a connection
 */
export function followPostgres(createCommits: () => FollowedCommits): void {
  const all = new WeakMap<Socket, Followed>()
  const followedOf = (socket: Socket): Followed => {
    const known = all.get(socket) ?? { commits: createCommits(), inserts: false, isCommitting: false }
    all.set(socket, known)
    return known
  }
  const { write, push } = Socket.prototype
  Object.assign(Socket.prototype, {
    write(this: Socket, ...sent: unknown[]) {
      const [message] = sent
      if (Buffer.isBuffer(message)) follow(message, () => followedOf(this))
      return (write as (...parameters: unknown[]) => boolean).apply(this, sent)
    },
    push(this: Socket, ...received: unknown[]) {
      const [part] = received
      const followed = all.get(this)
      if (followed?.isCommitting && Buffer.isBuffer(part) && part.includes(COMMITTED)) {
        followed.isCommitting = false
        followed.commits.afterCommit()
      }
      return (push as (...parameters: unknown[]) => boolean).apply(this, received)
    },
  })
}

function follow(message: Buffer, followed: () => Followed): void {
  const [kind] = message
  if (kind !== QUERY && kind !== PARSE && kind !== BIND) return
  if (kind === QUERY) return followQuery(message.toString('latin1', 5), followed)
  const of = followed()
  if (kind === PARSE) of.inserts = message.toString('latin1', 5, HEAD).includes('insert into "events"')
  else if (of.inserts) of.commits.events(message.toString('latin1'))
}

/** Queries begin transactions, and end them: `begin; set …`, `insert into commit_ids …; commit`. */
function followQuery(text: string, followed: () => Followed): void {
  if (/^(?:begin|rollback)\b/.test(text)) followed().commits.begin()
  if (!/(?:^|; )commit\0$/.test(text)) return
  const of = followed()
  of.isCommitting = true
  of.commits.beforeCommit()
}
