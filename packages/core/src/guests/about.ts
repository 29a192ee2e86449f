import type { Context } from '../domain/context.ts'
import type { About } from '../domain/event.ts'
import type { Random } from '../ports/random.ts'

/** Who asks where a caller does not say. */
const ACTOR = 'library'

/** What all events of one call about one subject share. */
export const aboutOf = (
  { connection, subject }: Pick<About, 'connection' | 'subject'>,
  { actor = ACTOR, correlationId }: Context,
  random: Pick<Random, 'uuid'>,
): About => ({ actor, connection, subject, correlationId: correlationId ?? random.uuid() })
