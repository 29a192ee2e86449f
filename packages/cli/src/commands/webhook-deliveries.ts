import { GuestpassError } from '@guestpass/core'
import { iso } from '@guestpass/core/runtime-kit'
import type { DeadLetter } from '@guestpass/core/store-kit'
import * as z from 'zod'
import { whole } from '@guestpass/runtime'
import { defineCommand } from './runner/command.ts'
import { onWebhooks } from './webhook-endpoints.ts'

export const webhooksTestCommand = defineCommand({
  example: 'guestpass webhooks test idp',
  input: z.object({ id: z.string() }),
  run: ({ id }, cli) =>
    onWebhooks(cli, async (webhooks) => {
      const { result, why, latencyMs, statusCode } = await webhooks.test(id, cli.signal)
      if (result !== 'taken')
        throw new GuestpassError(
          'webhook_failed',
          `Webhook endpoint ${id} did not take the test: ${why}. See that it answers with 2xx within its time.`,
          statusCode === undefined ? {} : { upstream: { status: statusCode } },
        )
      const ms = Math.round(latencyMs * 10) / 10
      cli.answer({ id, delivered: true, statusCode, latencyMs: ms }, () => [`Delivered: ${why} in ${ms} ms.`])
    }),
})

export const webhooksDeadCommand = defineCommand({
  example: 'guestpass webhooks dead idp',
  options: [
    ['--limit <n>', 'events on a page, from 1 to 1000 (default: 100)'],
    ['--after <cursor>', 'the cursor that the previous page printed'],
  ],
  input: z.object({ id: z.string(), limit: whole(1, 1_000).optional(), after: z.string().optional() }),
  run: ({ id, limit = 100, after }, cli) =>
    onWebhooks(cli, async (webhooks) => {
      const { messages, next } = await webhooks.deadLetters(id, { limit, ...(after === undefined ? {} : { after }) })
      const dead = messages.map(deadLetterDocument)
      cli.answer({ dead, ...(next === undefined ? {} : { next }) }, () => [
        ...(dead.length === 0
          ? ['Nothing was given up.']
          : [...dead.map(deadLetterLine), `Send them again with \`guestpass webhooks redeliver ${id}\`.`]),
        ...(next === undefined ? [] : [`More: guestpass webhooks dead ${id} --after ${next}`]),
      ])
    }),
})

const deadLetterDocument = ({ event: { id, type, at }, attempts, why }: DeadLetter) => ({
  eventId: id,
  eventType: type,
  timestamp: iso(at),
  attempts,
  why,
})

const deadLetterLine = ({
  eventId,
  eventType,
  timestamp,
  attempts,
  why,
}: ReturnType<typeof deadLetterDocument>): string =>
  `${eventId}  ${eventType}  of ${timestamp}, tried ${attempts} times: ${why}`

export const webhooksRedeliverCommand = defineCommand({
  example: 'guestpass webhooks redeliver idp',
  options: [['--event <id...>', 'ids of events, in whatever state']],
  input: z.object({ id: z.string(), event: z.array(z.string()).optional() }),
  run: ({ id, event }, cli) =>
    onWebhooks(cli, async (webhooks) => {
      const redelivered = await webhooks.redeliver(id, event)
      cli.answer({ id, redelivered }, () => [`Events sent again, now or when the endpoint takes them: ${redelivered}.`])
    }),
})
