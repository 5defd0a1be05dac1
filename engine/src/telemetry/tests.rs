mod metric;
mod round_trips;
