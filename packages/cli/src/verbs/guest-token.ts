import { type IssuedGuest, iso } from '@guestpass/core'
import * as z from 'zod'
import { type Cli, verb } from '../frame/verb.ts'
import { ofApi, ofApiOption } from '../guest-apis.ts'
import { orUnsaved } from '../unsaved.ts'
import { atWork, connect, contextOf } from '../workplace.ts'

/** A guest's token as a document; the routes of the service answer the same. */
export const tokenDocument = ({ token, expiresAt, generation }: IssuedGuest, cli: Cli) => ({
  token: cli.token(token),
  expiresAt: iso(expiresAt),
  generation,
})

export const tokenLines = ({ token, expiresAt, generation }: ReturnType<typeof tokenDocument>): readonly string[] => [
  token,
  `  valid until ${expiresAt}, generation ${generation}`,
]

export const guestToken = verb({
  name: 'guest token',
  summary: "Print a guest's token: valid now, renewed if due",
  example: 'guestpass guest token 3f2b8c1e-7a54-4d09-9c1f-5b6e2a7d8f90 --reveal',
  arguments: [['<guest-id>', "the guest's id"]],
  options: [ofApiOption],
  settings: ['patienceSeconds'],
  reveal: true,
  raw: true,
  input: z.object({ guestId: z.string(), api: ofApi }),
  async run({ guestId, api }, cli) {
    const config = await cli.config(['hosts', 'clientId'])
    await atWork(config, cli, async (place) => {
      const { guests } = await connect(config, place)
      const issued = await orUnsaved(() => guests.token(guestId, { ...contextOf(cli, config.settings), api }), cli)
      const document = tokenDocument(issued, cli)
      cli.answer(document, () => tokenLines(document))
    })
  },
})
