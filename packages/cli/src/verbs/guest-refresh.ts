import * as z from 'zod'
import { connect, tokenDocument, withRuntime } from '@guestpass/runtime'
import { contextOf } from '../context.ts'
import { verb } from '../frame/verb.ts'
import { ofApi, ofApiOption } from '../guest-apis.ts'
import { orUnsaved } from '../unsaved.ts'
import { tokenGiven } from '../token-given.ts'
import { tokenLines } from './guest-token.ts'

export const guestRefresh = verb({
  example: 'guestpass guest refresh 3f2b8c1e-7a54-4d09-9c1f-5b6e2a7d8f90 --token - < token.txt',
  options: [
    ['--token <token>', "the guest's current token where the store does not have it, or - for standard input"],
    ['--subject <sub>', "the `sub` of that token, where it is not the guest's id; it is remembered"],
    ofApiOption,
  ],
  settings: ['patienceSeconds'],
  reveal: true,
  raw: true,
  input: z.object({ guestId: z.string(), token: z.string().optional(), subject: z.string().optional(), api: ofApi }),
  async run({ guestId, token, subject, api }, cli) {
    const config = await cli.config(['hosts', 'clientId'])
    const held = token === undefined ? undefined : await tokenGiven(token, '--token', cli)
    await withRuntime(config, cli.host, async (runtime) => {
      const { guests } = await connect(config, runtime)
      const context = { ...contextOf(cli, config.settings), api }
      const issued = await orUnsaved(() => guests.refresh(guestId, { token: held, subject }, context), cli)
      const document = tokenDocument(issued, cli.token)
      cli.answer(document, () => tokenLines(document))
    })
  },
})
