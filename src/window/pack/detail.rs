//! What is kept of single runs of a statement: parameter sets, slowest runs, the plan of the slowest.

use std::sync::Arc;
use std::time::Duration;

use crate::model::event::{PlanRow, TraceRef};
use crate::model::id::FingerprintId;
use crate::model::subject::Exemplar;
use crate::model::time::Timestamp;
use crate::window::pack::UnpackError;
use crate::window::pack::columns::{Column, Reader, Writer};
use crate::window::pack::query::{read_instant, write_instant};
use crate::window::parameters::{MAX_SETS, ParameterSum, Parameters};
use crate::window::query::{MAX_EXEMPLARS, SlowestPlan, nanos};

/// Steps of a plan that are stored.
const MAX_PLAN_ROWS: usize = 64;

pub(super) fn write_parameters(writer: &mut Writer, parameters: Option<&Parameters>) {
    let sets = parameters.map_or(0, |p| p.iter().len());
    writer.put(Column::Parameters, sets as u64);
    for set in parameters.into_iter().flat_map(Parameters::iter) {
        writer.put(Column::ParameterHashes, set.parameters);
        writer.put(Column::Parameters, set.count);
        writer.put_nanos(Column::Parameters, set.total);
        writer.put_nanos(Column::Parameters, set.max);
        writer.put(Column::Parameters, set.examined);
    }
}

pub(super) fn read_parameters(reader: &mut Reader<'_>) -> Result<Parameters, UnpackError> {
    let mut parameters = Parameters::default();
    for _ in 0..reader.get_len(Column::Parameters, MAX_SETS)? {
        let set = ParameterSum {
            parameters: reader.get(Column::ParameterHashes)?,
            count: reader.get(Column::Parameters)?,
            total: reader.get_nanos(Column::Parameters)?,
            max: reader.get_nanos(Column::Parameters)?,
            examined: reader.get(Column::Parameters)?,
        };
        parameters.add(set);
    }
    Ok(parameters)
}

pub(super) fn write_exemplars(writer: &mut Writer, exemplars: &[Exemplar], start: Timestamp) {
    writer.put(Column::Exemplars, exemplars.len() as u64);
    for exemplar in exemplars {
        write_instant(writer, Column::Exemplars, exemplar.end, start);
        writer.put_nanos(Column::Exemplars, nanos(exemplar.elapsed));
        writer.put(Column::ExemplarHashes, exemplar.parameters.0);
        writer.put_option(Column::Exemplars, exemplar.rows_examined);
        writer.put_option(Column::Exemplars, exemplar.rows_returned);
        writer.put(Column::Exemplars, u64::from(exemplar.trace.is_some()));
        if let Some(TraceRef { trace, span }) = exemplar.trace {
            let low = trace & u128::from(u64::MAX);
            for half in [trace >> 64, low, u128::from(span)] {
                let half = u64::try_from(half).unwrap_or_default();
                writer.put(Column::ExemplarHashes, half);
            }
        }
    }
}

pub(super) fn read_exemplars(
    reader: &mut Reader<'_>,
    start: Timestamp,
) -> Result<Vec<Exemplar>, UnpackError> {
    let mut exemplars = Vec::new();
    for _ in 0..reader.get_len(Column::Exemplars, MAX_EXEMPLARS)? {
        exemplars.push(Exemplar {
            end: read_instant(reader, Column::Exemplars, start)?,
            elapsed: Duration::from_nanos(reader.get_nanos(Column::Exemplars)?),
            parameters: FingerprintId(reader.get(Column::ExemplarHashes)?),
            rows_examined: reader.get_option(Column::Exemplars)?,
            rows_returned: reader.get_option(Column::Exemplars)?,
            trace: match reader.get(Column::Exemplars)? {
                0 => None,
                _ => Some(read_trace(reader)?),
            },
        });
    }
    Ok(exemplars)
}

fn read_trace(reader: &mut Reader<'_>) -> Result<TraceRef, UnpackError> {
    let high = u128::from(reader.get(Column::ExemplarHashes)?);
    let low = u128::from(reader.get(Column::ExemplarHashes)?);
    Ok(TraceRef {
        trace: high << 64 | low,
        span: reader.get(Column::ExemplarHashes)?,
    })
}

pub(super) fn write_plan(writer: &mut Writer, plan: Option<&SlowestPlan>) {
    let rows = plan.map_or(&[][..], |p| &p.rows);
    let rows = &rows[..rows.len().min(MAX_PLAN_ROWS)];
    writer.put(Column::Plan, rows.len() as u64);
    for row in rows {
        for text in [&row.step, &row.table, &row.access, &row.key, &row.extra] {
            writer.put_text(Column::Plan, text);
        }
        writer.put_option(Column::Plan, row.rows);
        writer.put_option(Column::Plan, row.actual_rows);
    }
    if let Some(plan) = plan.filter(|_| !rows.is_empty()) {
        writer.put_nanos(Column::Plan, plan.elapsed);
    }
}

pub(super) fn read_plan(reader: &mut Reader<'_>) -> Result<Option<Box<SlowestPlan>>, UnpackError> {
    let len = reader.get_len(Column::Plan, MAX_PLAN_ROWS)?;
    if len == 0 {
        return Ok(None);
    }
    let mut rows = Vec::with_capacity(len);
    for _ in 0..len {
        rows.push(PlanRow {
            step: reader.get_text(Column::Plan)?,
            table: reader.get_text(Column::Plan)?,
            access: reader.get_text(Column::Plan)?,
            key: reader.get_text(Column::Plan)?,
            extra: reader.get_text(Column::Plan)?,
            rows: reader.get_option(Column::Plan)?,
            actual_rows: reader.get_option(Column::Plan)?,
        });
    }
    let rows = Arc::from(rows);
    let elapsed = reader.get_nanos(Column::Plan)?;
    Ok(Some(Box::new(SlowestPlan { elapsed, rows })))
}
