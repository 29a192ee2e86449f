import * as z from 'zod'
import { connect, tokenDocument, withRuntime } from '@guestpass/runtime'
import { contextOf } from '../context.ts'
import { verb } from '../frame/verb.ts'
import { ofApi, ofApiOption } from '../guest-apis.ts'
import { orUnsaved } from '../unsaved.ts'

export const tokenLines = ({ token, expiresAt, generation }: ReturnType<typeof tokenDocument>): readonly string[] => [
  token,
  `  valid until ${expiresAt}, generation ${generation}`,
]

export const guestToken = verb({
  example: 'guestpass guest token 3f2b8c1e-7a54-4d09-9c1f-5b6e2a7d8f90 --reveal',
  options: [ofApiOption],
  settings: ['patienceSeconds'],
  reveal: true,
  raw: true,
  input: z.object({ guestId: z.string(), api: ofApi }),
  async run({ guestId, api }, cli) {
    const config = await cli.config(['hosts', 'clientId'])
    await withRuntime(config, cli.host, async (runtime) => {
      const { guests } = await connect(config, runtime)
      const issued = await orUnsaved(() => guests.token(guestId, { ...contextOf(cli, config.settings), api }), cli)
      const document = tokenDocument(issued, cli.token)
      cli.answer(document, () => tokenLines(document))
    })
  },
})
