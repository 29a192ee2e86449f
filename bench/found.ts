import { type Figures, shown } from './figures.ts'
import { type Sheet, sheetShown } from './sheet.ts'

/** What a measure comes to: rates of a race, or a sheet of other figures. */
export type Found = Figures | Sheet

export const isRace = (found: Found): found is Figures => 'rows' in found
export const foundShown = (found: Found): string => (isRace(found) ? shown(found) : sheetShown(found))
