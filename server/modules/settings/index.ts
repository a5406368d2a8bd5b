/** The clinic's settings: who it is, where, when it is open, and its rules. */
import type { Route } from '#platform/http/route';
import { closedDayRoutes } from './closed-days.routes.ts';
import { type ClosedDaysService, createClosedDaysService } from './closed-days.service.ts';
import { settingsRoutes } from './settings.routes.ts';
import { createSettingsService, type SettingsParts, type SettingsService } from './settings.service.ts';

export * from './opening.ts';
export type { Policies, SectionKey } from './sections.ts';
export type { SectionPatch, SettingsParts, SettingsService } from './settings.service.ts';
export type { ClosedDaysService } from './closed-days.service.ts';

export interface SettingsModule {
  settings: SettingsService;
  closedDays: ClosedDaysService;
  routes: Route[];
}

export function createSettings(parts: SettingsParts): SettingsModule {
  const settings = createSettingsService(parts);
  const closedDays = createClosedDaysService({ ...parts, settings });
  return { settings, closedDays, routes: [...settingsRoutes(settings), ...closedDayRoutes(closedDays)] };
}
