import { iso, lackedScopes } from '@guestpass/core'
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
      const missing = scopes.length === 0 ? [] : lackedScopes(config.settings.scopes ?? [], scopes)
      if (missing.length > 0)
        cli.note(`guestpass: warning: of GENESYS_SCOPES, ${missing.join(' ')} was not granted: check the OAuth client`)
      const lacking = missing.length === 0 ? {} : { missing }
      cli.answer({ accessToken, expiresAt: iso(expiresAt), scope, generation, standing, ...lacking }, () => [
        accessToken,
        `  valid until ${iso(expiresAt)}, generation ${generation}${scope === '' ? '' : `, scopes ${scope}`}`,
      ])
    })
  },
})
