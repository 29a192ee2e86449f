import * as z from 'zod'
import { guestApi } from '../guest-apis.ts'
import { type RequestOption, requestOptions, typedShape } from '../request-options.ts'

const takes = (option: RequestOption, ...places: readonly RequestOption['field']['inImport'][]): boolean =>
  places.includes(option.field.inImport ?? 'row')

/** Fields that are typed once for all rows. */
export const importOptions = requestOptions.filter((option) => takes(option, 'row-or-all', 'all'))

/** Fields that each row may have in a column of its own. */
export const importColumns = requestOptions.filter(
  (option) => takes(option, 'row', 'row-or-all') && option.field.written !== 'pairs',
)

/** Arguments and options of an import, as they are typed. */
export const importSchema = z.object({ file: z.string(), api: guestApi, ...typedShape(importOptions) })

export type ImportOptions = z.output<typeof importSchema>
