// Draws the chart that data-chart-url describes; the same numbers stand in a table beside it.

const BLUES = ["#1456b8", "#e08a00", "#12805c", "#8b3fb0", "#c2304a", "#0a8ea0", "#7a6a00", "#5b6b82"];

function options(chart) {
  const base = { color: BLUES, textStyle: { fontFamily: "inherit" }, tooltip: { renderMode: "richText" }, animation: false };
  if (chart.kind === "map") {
    return {
      ...base,
      visualMap: chart.max > chart.min
        ? { min: chart.min, max: chart.max, left: 0, bottom: 0, inRange: { color: ["#e8f0fb", "#1456b8"] } } : undefined,
      series: [{ type: "map", map: "area", data: chart.data, nameProperty: "name", roam: false,
        label: { show: chart.data.length < 40, fontSize: 10 }, itemStyle: { areaColor: "#cfe0f7" } }],
    };
  }
  const lying = chart.kind === "bar";
  const categories = { type: "category", data: chart.categories };
  const values = { type: "value" };
  return {
    ...base,
    tooltip: { trigger: "axis", renderMode: "richText" },
    legend: chart.series.length > 1 ? { type: "scroll", top: 0 } : undefined,
    grid: { left: 8, right: 20, top: chart.series.length > 1 ? 36 : 14, bottom: 8, containLabel: true },
    xAxis: lying ? values : categories,
    yAxis: lying ? { ...categories, inverse: true } : values,
    series: chart.series.map((series) => ({
      name: series.name, data: series.data, type: chart.kind, showSymbol: false, connectNulls: true, barMaxWidth: 18,
    })),
  };
}

for (const box of document.querySelectorAll("[data-chart-url]")) {
  const response = await fetch(box.dataset.chartUrl, { headers: { Accept: "application/json" } });
  if (!response.ok) { box.hidden = true; continue; }
  const chart = await response.json();
  if (chart.kind === "map") window.echarts.registerMap("area", chart.geojson);
  const drawn = window.echarts.init(box);
  drawn.setOption(options(chart));
  new ResizeObserver(() => drawn.resize()).observe(box);
}
