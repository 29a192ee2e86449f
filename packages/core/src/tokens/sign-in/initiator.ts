import type { Context } from '../../domain/context.ts'
import type { EventContext } from '../../domain/events/event-parts.ts'
import type { Credential } from '../../domain/credential.ts'

/** The caller of a sign-in, as its events name it. */
export interface Initiator {
  readonly actor: string
  readonly correlationId: string
}

/** The caller that a context names. `fallback`: the correlation id if the context has none. */
export const initiatorOf = ({ actor = 'library', correlationId }: Context, fallback: string): Initiator => ({
  actor,
  correlationId: correlationId ?? fallback,
})

/** What the events of one sign-in share. */
export const aboutSignIn = (
  { connection, subject }: Pick<Credential, 'connection' | 'subject'>,
  { actor, correlationId }: Initiator,
): EventContext => ({ actor, connection, subject, correlationId })
