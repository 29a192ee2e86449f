import { iso } from '@guestpass/core'
import * as z from 'zod'
import { verb } from '../frame/verb.ts'
import { orUnsaved } from '../unsaved.ts'
import { atWork, connect, contextOf } from '../workplace.ts'

export const token = verb({
  name: 'token',
  summary: "Print the service's own access token: from the store, renewed if due",
  example: 'guestpass token --reveal',
  settings: ['patienceSeconds'],
  reveal: true,
  raw: true,
  input: z.object({}),
  async run(_input, cli) {
    const config = await cli.config(['hosts', 'clientId'])
    await atWork(config, cli, async (place) => {
      const { accessTokens } = await connect(config, place)
      const {
        token: secret,
        expiresAt,
        scopes,
        generation,
        standing,
      } = await orUnsaved(() => accessTokens.token(contextOf(cli, config.settings)), cli)
      const accessToken = cli.token(secret)
      const scope = scopes.join(' ')
      cli.answer({ accessToken, expiresAt: iso(expiresAt), scope, generation, standing }, () => [
        accessToken,
        `  valid until ${iso(expiresAt)}, generation ${generation}${scope === '' ? '' : `, scopes ${scope}`}`,
      ])
    })
  },
})
