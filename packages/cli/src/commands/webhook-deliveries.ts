import { GuestpassError } from '@guestpass/core'
import { iso } from '@guestpass/core/runtime-kit'
import type { DeadLetter } from '@guestpass/core/store-kit'
import * as z from 'zod'
import { listDocument, moreLines, pageInput, pageOptions } from '../lists/list-document.ts'
import { tableLines } from '../lists/table.ts'
import { type TimeFormat, timeText, utcInput, utcOption } from '../lists/times.ts'
import { defineCommand } from './runner/command.ts'
import type { Line } from './runner/styled-line.ts'
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
  options: [...pageOptions('events'), utcOption],
  input: z.object({ id: z.string(), ...pageInput, utc: utcInput }),
  run: ({ id, limit = 100, after, utc }, cli) =>
    onWebhooks(cli, async (webhooks, now) => {
      const { messages, next } = await webhooks.deadLetters(id, { limit, ...(after === undefined ? {} : { after }) })
      cli.answer(listDocument(messages.map(deadLetterDocument), next), () => [
        ...(messages.length === 0
          ? ['No dead letters.']
          : [
              ...deadLetterTable(messages, { now: now(), utc }),
              `Send them again with \`guestpass webhooks redeliver ${id}\`.`,
            ]),
        ...moreLines(next),
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

const deadLetterTable = (messages: readonly DeadLetter[], times: TimeFormat): readonly Line[] =>
  tableLines<DeadLetter>(
    [
      { title: 'event', cell: ({ event }) => event.id },
      { title: 'type', cell: ({ event }) => event.type },
      { title: 'time', cell: ({ event }) => timeText(event.at, times) },
      { title: 'tries', align: 'right', cell: ({ attempts }) => String(attempts) },
      { title: 'reason', cell: ({ why }) => why },
    ],
    messages,
  )

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
