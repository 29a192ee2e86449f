import * as z from 'zod'
import { connect, tokenDocument, withExistingStore } from '@guestpass/runtime'
import { callContext } from '../call-context.ts'
import { defineCommand } from './runner/command.ts'
import { knownGuestApi, knownGuestApiOption } from '../guest-apis.ts'
import { showUnsavedOnFailure } from '../unsaved-tokens.ts'

export const tokenLines = ({ token, expiresAt, generation }: ReturnType<typeof tokenDocument>): readonly string[] => [
  token,
  `  valid until ${expiresAt}, generation ${generation}`,
]

export const guestTokenCommand = defineCommand({
  example: 'guestpass guest token 3f2b8c1e-7a54-4d09-9c1f-5b6e2a7d8f90 --reveal',
  options: [knownGuestApiOption],
  settings: ['patienceSeconds'],
  reveal: true,
  raw: true,
  input: z.object({ guestId: z.string(), api: knownGuestApi }),
  async run({ guestId, api }, cli) {
    const config = await cli.config(['hosts', 'clientId'])
    await withExistingStore(config, cli.runtimeHost, async (runtime) => {
      const { guests } = await connect(config, runtime)
      const issued = await showUnsavedOnFailure(
        () => guests.token(guestId, { ...callContext(cli, config.settings), api }),
        cli,
      )
      const document = tokenDocument(issued, cli.showToken)
      cli.answer(document, () => tokenLines(document))
    })
  },
})
