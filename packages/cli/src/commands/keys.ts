import { iso } from '@guestpass/core/runtime-kit'
import type { DataKey } from '@guestpass/store/sqlite'
import * as z from 'zod'
import { databasePlace, listDocument, requireStore, withExistingStore, withRuntime } from '@guestpass/runtime'
import { statusCell } from '../lists/status-cell.ts'
import { tableLines } from '../lists/table.ts'
import { type TimeFormat, timeText, utcInput, utcOption } from '../lists/times.ts'
import { withProgress } from '../with-progress.ts'
import { defineCommand } from './runner/command.ts'
import type { Line } from './runner/styled-line.ts'

const documentOf = ({ createdAt, ...key }: DataKey) => ({ ...key, createdAt: iso(createdAt) })

const keyTable = (keys: readonly DataKey[], times: TimeFormat): readonly Line[] =>
  tableLines<DataKey>(
    [
      { title: 'key', cell: ({ id }) => id },
      { title: 'status', cell: ({ current }) => statusCell(current ? 'current' : 'former') },
      { title: 'wrapped by', cell: ({ wrappedBy }) => wrappedBy },
      { title: 'created', cell: ({ createdAt }) => timeText(createdAt, times) },
      { title: 'values', align: 'right', cell: ({ values }) => String(values) },
    ],
    keys,
  )

export const keysListCommand = defineCommand({
  example: 'guestpass keys list',
  options: [utcOption],
  input: z.object({ utc: utcInput }),
  async run({ utc }, cli) {
    const config = await cli.config()
    const noKeys = `No data keys yet in ${databasePlace(config, cli.hostProcess.cwd)}.`
    await withExistingStore(config, cli.runtimeHost, async ({ store, ports }) => {
      const keys = await store.keys.list()
      cli.answer(listDocument(keys.map(documentOf)), () => [
        ...(keys.length === 0 ? [noKeys] : keyTable(keys, { now: ports.clock.wall(), utc })),
        ...(keys.length > 1 ? ['A rotation was not brought to its end; go on with: guestpass keys rotate'] : []),
      ])
    })
  },
})

export const keysRotateCommand = defineCommand({
  example: 'guestpass keys rotate',
  input: z.object({}),
  async run(_input, cli) {
    const config = await cli.config()
    requireStore(config, cli.runtimeHost)
    await withRuntime(config, cli.runtimeHost, async ({ store }) => {
      const rotation = await withProgress(cli, 'values sealed anew', (onProgress) =>
        store.keys.rotate({ actor: 'cli', signal: cli.signal, onProgress }),
      )
      const { key, retired, values, resumed } = rotation
      cli.answer(rotation, () => [
        `${values} values are sealed anew with ${key}; ${retired.length === 1 ? 'one old key is' : `${retired.length} old keys are`} gone.`,
        ...(resumed ? ['  That ended a rotation begun before; rotate once more for a new key.'] : []),
      ])
    })
  },
})
