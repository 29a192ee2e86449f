import { GuestpassError } from '@guestpass/core'
import { deadLetterDocument, listDocument, webhookTestDocument, withMessage } from '@guestpass/runtime'
import type { DeadLetter } from '@guestpass/core/store-kit'
import * as z from 'zod'
import { moreLines, pageInput, pageOptions } from '../lists/list-document.ts'
import { tableLines } from '../lists/table.ts'
import { type TimeFormat, timeText, utcInput, utcOption } from '../lists/times.ts'
import { defineCommand } from './runner/command.ts'
import type { Line } from './runner/styled-line.ts'
import { onWebhooks } from './webhook-endpoints.ts'

export const webhooksTestCommand = defineCommand({
  example: 'guestpass webhooks test idp',
  input: z.object({ id: z.string() }),
  run: ({ id }, cli) =>
    onWebhooks(cli, async (webhooks, { command }) => {
      const attempt = await webhooks.test(id, cli.signal)
      const document = webhookTestDocument(id, attempt)
      const { disabled } = await webhooks.endpoints.get(id)
      cli.answer(document, () => [
        `Delivered: ${attempt.why} in ${document.latencyMs} ms.`,
        ...(disabled ? [`  It is disabled: enable it with \`${command(`webhooks enable ${id}`)}\`.`] : []),
      ])
    }),
})

export const webhooksDeadCommand = defineCommand({
  example: 'guestpass webhooks dead idp',
  options: [...pageOptions('events'), utcOption],
  input: z.object({ id: z.string(), ...pageInput, utc: utcInput }),
  run: ({ id, limit = 100, after, utc }, cli) =>
    onWebhooks(cli, async (webhooks, { now, command }) => {
      const { messages, next } = await webhooks.deadLetters(id, { limit, ...(after === undefined ? {} : { after }) })
      cli.answer(listDocument(messages.map(deadLetterDocument), next), () => [
        ...(messages.length === 0
          ? ['No dead letters.']
          : [
              ...deadLetterTable(messages, { now: now(), utc }),
              `Send them again with \`${command(`webhooks redeliver ${id}`)}\`.`,
            ]),
        ...moreLines(next),
      ])
    }),
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
    onWebhooks(cli, async (webhooks, { command }) => {
      const redelivered = await webhooks.redeliver(id, event).catch((thrown: unknown) => {
        throw withEnable(thrown, command(`webhooks enable ${id}`))
      })
      cli.answer({ id, redelivered }, () => [
        `Events sent again, now or when the endpoint takes them: ${redelivered}.`,
        ...(event && redelivered < new Set(event).size ? [`  ${unknownIds(command, id)}`] : []),
      ])
    }),
})

/** The error with the command that enables this endpoint. */
const withEnable = (thrown: unknown, enable: string): unknown =>
  thrown instanceof GuestpassError && thrown.reason === 'disabled'
    ? withMessage(thrown, { message: `${thrown.message} When it works again: \`${enable}\`.` })
    : thrown

const unknownIds = (command: (words: string) => string, id: string): string =>
  `The store has no event with the other ids. \`${command(`webhooks dead ${id}`)}\` and \`${command('audit tail --json')}\` show ids.`
