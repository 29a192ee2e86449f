import * as z from 'zod'
import { guestApi } from '../guest-apis.ts'

/** What is typed for an import. */
export const input = z.object({
  file: z.string(),
  api: guestApi,
  duration: z.string().optional(),
  scope: z.array(z.string()).optional(),
  channel: z.string().optional(),
  assurance: z.string().optional(),
  createAgain: z.literal(true).optional(),
})

export type ImportInput = z.output<typeof input>
