import { iso } from '@guestpass/core'
import * as z from 'zod'
import { verb } from '../frame/verb.ts'
import { atWork, connect } from '../workplace.ts'

export const guestToken = verb({
  name: 'guest token',
  summary: "Print a guest's token: valid now, renewed if due",
  example: 'guestpass guest token 3f2b8c1e-7a54-4d09-9c1f-5b6e2a7d8f90 --reveal',
  arguments: [['<guest-id>', "the guest's id, a UUID"]],
  reveal: true,
  input: z.object({ guestId: z.string() }),
  async run({ guestId }, cli) {
    const config = await cli.config(['hosts', 'clientId'])
    await atWork(config, cli, async (place) => {
      const { guests } = await connect(config, place)
      const { token: secret, expiresAt, generation } = await guests.token(guestId, { signal: cli.signal })
      const token = cli.token(secret)
      cli.answer({ token, expiresAt: iso(expiresAt), generation }, () => [
        token,
        `  valid until ${iso(expiresAt)}, generation ${generation}`,
      ])
    })
  },
})
