import * as z from 'zod'
import type { Described } from './frame/verb.ts'

/** The APIs that issue guests. */
export const apis = ['guest-tokens', 'engagements', 'external-users'] as const

/** Of a verb that issues. */
export const guestApi = z.enum(apis, {
  error: ({ input }) => (input === undefined ? 'is missing' : 'is not an API that issues guests'),
})

/** Of a verb on a guest that is known. */
export const ofApi = z.enum(apis, { error: 'is not an API that issues guests' }).optional()
export const ofApiOption: Described = [
  '--api <name>',
  `the API of the guest, where another one has a guest of the same id: ${apis.join(', ')}`,
]
