import type { GuestView } from '@guestpass/core'
import { currentStatus } from '@guestpass/core/runtime-kit'
import type { Line } from '../commands/runner/styled-line.ts'
import { statusCell } from './status-cell.ts'
import { tableLines } from './table.ts'
import { type TimeFormat, timeText } from './times.ts'

/** The table of some guests. */
export const guestTable = (guests: readonly GuestView[], times: TimeFormat): readonly Line[] =>
  tableLines<GuestView>(
    [
      { title: 'guest', cell: ({ guestId }) => guestId },
      { title: 'api', cell: ({ api }) => api },
      { title: 'status', cell: (view) => statusCell(currentStatus(view, times.now)) },
      { title: 'channel', cell: ({ channelId = '' }) => channelId },
      { title: 'generation', align: 'right', cell: ({ generation }) => String(generation) },
      { title: 'expires', cell: ({ expiresAt }) => timeText(expiresAt, times) },
      { title: 'created', cell: ({ createdAt }) => timeText(createdAt, times) },
    ],
    guests,
  )
