import { guestApis } from '@guestpass/core'
import { authenticatingApis } from '@guestpass/core/runtime-kit'
import * as z from 'zod'
import type { ParameterHelp } from './commands/runner/command.ts'

/** Of a command that issues. */
export const guestApi = z.enum(guestApis, {
  error: ({ input }) => (input === undefined ? 'is missing' : 'is not an API that issues guests'),
})

/** The same, described. */
export const guestApiOption: ParameterHelp = ['--api <name>', `the API that issues: ${guestApis.join(', ')}`]

/** Of a command on a guest that is known. */
export const knownGuestApi = z.enum(guestApis, { error: 'is not an API that issues guests' }).optional()
export const knownGuestApiOption: ParameterHelp = [
  '--api <name>',
  `the API of the guest, where another one has a guest of the same id: ${guestApis.join(', ')}`,
]

/** Of a command on the guest of an address. */
export const addressApi = z
  .enum(
    authenticatingApis.map(({ name }) => name),
    { error: 'is not an API with addresses' },
  )
  .optional()
export const addressApiOption: ParameterHelp = [
  '--api <name>',
  authenticatingApis.map(({ name }) => (name === 'engagements' ? `${name} (default)` : name)).join(' or '),
]
